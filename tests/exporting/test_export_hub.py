import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from utkage.core.errors import UsageError, WeightsError
from utkage.exporting.export_hub import CARD_NAME, CONFIG_NAME, WEIGHTS_NAME, export_hub
from utkage.exporting.hub_card import hub_card
from utkage.models.card import Card
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.reporting.hub_metadata import LICENCE_FILE

SECTIONS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hub") / "ages"
    return export_hub("shipped", out).path


def metadata(folder: Path) -> dict[str, object]:
    text = (folder / CARD_NAME).read_text(encoding="utf-8")
    first, block, _ = text.split("---\n", 2)
    assert first == ""
    found = yaml.safe_load(block)
    assert isinstance(found, dict)
    return found


def test_the_weights_are_unchanged(folder: Path) -> None:
    assert (folder / WEIGHTS_NAME).read_bytes() == shipped_weights().read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        WEIGHTS_NAME,
        CARD_NAME,
        CONFIG_NAME,
        LICENCE_FILE,
    }
    assert "non-commercial" in (folder / LICENCE_FILE).read_text()
    assert json.loads((folder / CONFIG_NAME).read_text())["backbone"] == "mobilenet_v1"


def test_the_metadata_is_what_hubs_read(folder: Path) -> None:
    shipped_card = read_card(shipped_weights())
    found = metadata(folder)
    assert found["license"] == "other"
    assert found["license_link"] == LICENCE_FILE
    assert found["datasets"] == ["UTKFace", "AAF", "AAF2"]
    assert "base_model" not in found
    (model,) = found["model-index"]  # type: ignore[misc]
    assert model["name"] == "ages"
    results = {result["dataset"]["name"]: result for result in model["results"]}
    assert set(results) == {name for name in shipped_card.metrics if "test" in name}
    values = {m["name"]: m for m in results["UTKFace test"]["metrics"]}
    expected = shipped_card.metrics["UTKFace test"]
    assert values["MAE, years"] == {"type": "mae", "name": "MAE, years", "value": expected["mae"]}
    assert values["gender accuracy"]["value"] == expected["gender_accuracy"]
    for result in model["results"]:
        assert set(result) == {"task", "dataset", "metrics"}
        assert set(result["dataset"]) == {"type", "name"}


def test_the_card_has_the_sections_of_mitchell_in_order(folder: Path) -> None:
    text = (folder / CARD_NAME).read_text(encoding="utf-8")
    places = [text.index(f"\n## {name}\n") for name in SECTIONS]
    assert places == sorted(places)
    measured = read_card(shipped_weights()).metrics["UTKFace test (flip averaging)"]
    assert f"| UTKFace test (flip averaging) | 1730 | {measured['mae']:.2f} |" in text


def test_the_loader_of_the_card_runs(
    folder: Path,
    examples: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = (folder / CARD_NAME).read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    exec(code.replace("photo.jpg", str(examples / "portrait.jpg")), {})
    age, low, high, gender, _ = capsys.readouterr().out.split()
    assert float(low) <= float(age) <= float(high)
    assert gender in ("male", "female")


def test_a_base_model_is_named(tmp_path: Path) -> None:
    out = export_hub("shipped", tmp_path / "out", base_model="somebody/start").path
    assert metadata(out)["base_model"] == "somebody/start"


def test_an_existing_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(UsageError, match="already exists"):
        export_hub("shipped", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_damaged_weights_are_not_passed_on(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(shipped_weights().read_bytes()[:-1000])
    with pytest.raises(WeightsError):
        export_hub(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_texts_of_a_card_cannot_break_the_page_or_its_metadata(card: Card, tmp_path: Path) -> None:
    from utkage.exporting.hub_card import hub_card

    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x")
    hostile = 'A"\n---\nlicense: mit\n<script>alert(1)</script>'
    changed = replace(
        card,
        data={"source": hostile, "splits": {"train": 3}},
        limits=(hostile,),
        lineage=(hostile,),
    )
    text = hub_card(changed, path, hostile)
    _, block, rest = (
        text.split("\n---\n", 1)[0],
        text.split("---\n")[1],
        text.split("\n---\n", 1)[1],
    )
    assert yaml.safe_load(block)["license"] == "other"
    assert yaml.safe_load(block)["datasets"] == [hostile]
    assert "<script" not in rest
    assert "\n---\n" not in rest


def test_a_card_without_metrics_says_so(card: Card, tmp_path: Path) -> None:
    from utkage.exporting.hub_card import hub_card

    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x")
    text = hub_card(replace(card, metrics={}, data={}, lineage=(), limits=()), path, "mine")
    assert "model-index" not in text
    assert "## Quantitative analyses\n\nNone are recorded." in text


def test_a_training_on_one_kind_of_labels_has_only_its_metrics(card: Card, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"")
    values = {"n": 10, "mae": 4.0, "cs5": 0.7, "range_accuracy": 0.6, "gender_accuracy": None}
    text = hub_card(replace(card, metrics={"val": values}), tmp_path / "weights", "ages")
    entry = yaml.safe_load(text.split("---\n")[1])["model-index"][0]["results"][0]
    assert [found["type"] for found in entry["metrics"]] == ["mae", "accuracy", "accuracy"]
    assert "gender accuracy |" not in text
    nothing = dict.fromkeys(values)
    text = hub_card(replace(card, metrics={"val": nothing}), tmp_path / "weights", "ages")
    assert "model-index" not in text
