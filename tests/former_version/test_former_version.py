"""What the version of commit 78146b0 wrote still opens, and says the same.

``make_files.py`` made the files; everything here goes through commands and public names, so that
modules may move.
"""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import utkage
from tools.warm_process import run_utkage

FILES = Path(__file__).resolve().parent / "files"

# What differs from one evaluation to the next without anything having changed.
OF_THE_OCCASION = {"seconds", "versions", "command"}
SHIPPED = ("--weights", "shipped", "--device", "cpu", "--threshold", "21")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with everything unpacked, as it was when the files were made."""
    folder = tmp_path_factory.mktemp("former")
    shutil.copytree(FILES / "sets", folder / "sets")
    shutil.copytree(FILES / "rows" / "chips", folder / "chips")
    for archive in FILES.glob("*.zip"):
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
    return folder


def utk(folder: Path, *arguments: object) -> str:
    """What a command prints; it has to succeed."""
    done = run_utkage(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded(name: str) -> Any:
    return json.loads((FILES / name).read_text("utf-8"))


def json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def differences(found: Any, former: Any, tolerance: float, where: str = "") -> list[str]:
    """Where ``found`` lacks something that was there, or has another value for it.

    Things that are new are no difference. Numbers may differ by ``tolerance``, or that part.
    """
    if isinstance(former, dict) and isinstance(found, dict):
        keys = [key for key in former if key not in OF_THE_OCCASION]
        return [
            line
            for key in keys
            for line in (
                differences(found[key], former[key], tolerance, f"{where}.{key}")
                if key in found
                else [f"{where}.{key}: gone"]
            )
        ]
    if isinstance(former, list) and isinstance(found, list) and len(former) == len(found):
        pairs = enumerate(zip(found, former, strict=True))
        return [
            line
            for index, (new, old) in pairs
            for line in differences(new, old, tolerance, f"{where}[{index}]")
        ]
    if isinstance(former, float) and isinstance(found, int | float):
        same = found == pytest.approx(former, rel=tolerance, abs=tolerance)
    else:
        same = found == former and type(found) is type(former)
    return [] if same else [f"{where}: {former!r} became {found!r}"]


# What the shipped weights predict: they have been replaced since, so only kind and range are alike.
PREDICTED = {"age", "age_low", "age_high", "range", "range_probability"} | {
    *("gender", "p_female", "p_at_least", "flags", "faces")
}


def assert_same_rows(found: list[dict[str, Any]], former: list[dict[str, Any]]) -> None:
    """The same columns before any new ones, the same faces, and predictions of the same kind."""
    assert len(found) == len(former)
    for row, wanted in zip(found, former, strict=True):
        assert list(row)[: len(wanted)] == list(wanted)
        for name in PREDICTED & wanted.keys():
            assert type(row[name]) is type(wanted[name]), name
        if wanted["age"] is not None:
            assert row["age_low"] <= row["age"] <= row["age_high"]
        loose = {"box", "landmarks", "score"}
        plain = {key: wanted[key] for key in wanted.keys() - loose - PREDICTED}
        assert differences(row, plain, 0.011) == []
        assert differences(row, {key: wanted[key] for key in loose & wanted.keys()}, 0.3) == []


@pytest.mark.parametrize(
    ("name", "sizes", "dropped"),
    [("faces", (16, 8, 12), 0), ("two_sources", None, 2)],
)
def test_prepared_sets(
    place: Path, name: str, sizes: tuple[int, int, int] | None, dropped: int
) -> None:
    store = utkage.ChipStore.open(place / "sets" / name)
    parts = [store.split(part) for part in ("train", "val", "test")]
    description = recorded(f"sets/{name}/store.json")
    assert [len(part) for part in parts] == list(description["splits"].values())
    if sizes is not None:
        assert tuple(map(len, parts)) == sizes
    assert store.split_hash == description["split_hash"]
    assert len(store.dropped()) == dropped
    assert parts[0].pixels[parts[0].rows].shape[1:] == (32, 32, 3)
    if name == "two_sources":
        assert {row.record.source for row in store.manifest} == {"grammar", "table"}
        assert any(row.reason.startswith("near-copy of") for row in store.manifest)
        assert len({row.group for row in store.manifest}) == len(store.manifest) - 2
    described = json.loads(utk(place, "info", f"sets/{name}", "--json"))
    assert differences(described, recorded(f"info/{name}.json"), 0) == []

    arguments = ("--backbone", "mobilenet_v3_small", "--init", "scratch", "--sizes", "32")
    options = ("--epochs", 1, "--batch-size", 8, "--device", "cpu", "--json")
    run = ("--data", f"sets/{name}", "--run", f"./trained-{name}")
    trained = json.loads(utk(place, "train", *arguments, *options, *run))
    assert [row["epoch"] for row in trained["epochs"]] == [1]


@pytest.mark.parametrize("system", ["multitask", "seed"])
def test_a_stopped_run_goes_on_by_the_same_command(place: Path, system: str) -> None:
    command = recorded(f"stopped-{system}.command.json")
    run = place / f"resumed-{system}"
    shutil.copytree(place / command[-1], run)
    before = json_lines(run / "metrics.jsonl")
    assert [row["epoch"] for row in before] == [1]
    done = run_utkage(place, *command[:-1], run.name)
    assert done.returncode == 0, done.stderr
    assert "resuming from step 5 of 8" in done.stderr
    after, former = json_lines(run / "metrics.jsonl"), FILES / f"stopped-{system}.end.jsonl"
    assert after[0] == before[0]
    # Processors round in different ways, which steps add up.
    assert differences(after, json_lines(former), 0.02) == []
    assert list(after[1]) == list(json_lines(former)[1])
    rows = table(run / "summary.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert list(rows[0]) == list(table(place / command[-1] / "summary.csv")[0])
    card = json.loads(utk(place, "info", run.name, "--json"))
    assert card["system"] == system


def test_a_finished_run_stays_as_it_is(place: Path) -> None:
    run = place / "runs" / "finished-seed"
    before = (run / "best.safetensors").read_bytes()
    command = recorded("stopped-seed.command.json")
    utk(place, *command[:-1], "runs/finished-seed")
    assert (run / "best.safetensors").read_bytes() == before
    described = json.loads(utk(place, "info", "runs/finished-seed", "--json"))
    assert differences(described, recorded("info/finished-seed.json"), 1e-6) == []

    arguments = ("--weights", "runs/finished-seed", "--data", "sets/faces", "--json")
    options = ("--allow-suspicious", "--resamples", 100, "--out", "evaluated-seed")
    evaluated = json.loads(utk(place, "evaluate", *arguments, *options))
    assert (evaluated["n"], evaluated["n_seen_in_training"]) == (12, 0)


@pytest.mark.slow
def test_a_finished_run_is_exported(place: Path) -> None:
    arguments = ("--weights", "runs/finished-seed", "--data", "sets/faces", "--json")
    exported = json.loads(utk(place, "export", *arguments, "--out", "exported-seed.onnx"))
    assert exported["parity"]["range_flips"] == 0
    parity = json.loads((place / "exported-seed.onnx.parity.json").read_text())
    former = json.loads((place / "small.parity.json").read_text())
    assert parity["schema"] == former["schema"]
    assert list(former) == [key for key in parity if key in former]


def test_runs_are_listed(place: Path) -> None:
    listed = {row["name"]: row for row in json.loads(utk(place, "runs", "runs", "--json"))}
    former = {row["name"]: row for row in recorded("runs.json")}
    assert differences(listed, former, 1e-6) == []
    assert {run.name for run in utkage.list_runs(place / "runs")} == set(former)
    compared = utk(place, "runs", "runs", "--compare", "stopped-seed", "finished-seed", "--json")
    assert json.loads(compared)["settings"] == {}


@pytest.mark.parametrize("path", sorted((FILES / "recipes").glob("*.toml")), ids=lambda p: p.stem)
def test_recipes_mean_the_same(place: Path, path: Path) -> None:
    from utkage import resolve_recipe

    arguments = ("--config", path, "--device", "cpu")
    tables = resolve_recipe(str(path), device="cpu").to_tables()
    assert differences(tables, parsed(path.read_text("utf-8")), 0) == []
    if path.stem.endswith("every-setting"):
        printed = parsed(utk(place, "train", *arguments, "--print-config"))
        assert differences(printed, parsed(path.read_text("utf-8")), 0) == []


@pytest.mark.parametrize("run", ["stopped-multitask", "finished-seed"])
def test_settings_of_runs_mean_the_same(place: Path, run: str) -> None:
    former = parsed((place / "runs" / run / "config.toml").read_text("utf-8"))
    assert former.pop("provenance")["data"]["split_hash"]
    printed = parsed(utk(place, "train", "--config", f"runs/{run}", "--print-config"))
    assert differences(printed, former, 0) == []


def test_a_recipe_with_every_setting_can_be_tried(place: Path) -> None:
    recipe = FILES / "recipes" / "seed-every-setting.toml"
    arguments = (
        "--config",
        recipe,
        "--device",
        "cpu",
        "--data",
        "sets/faces",
        "--dry-run",
        "--json",
    )
    plan = json.loads(utk(place, "train", *arguments))
    assert (plan["system"], plan["epochs"]) == ("seed", 50)


@pytest.mark.parametrize("weights", ["calibrated.safetensors", "AgeGenderWeights.pt", "small.onnx"])
def test_weights_answer_the_same(place: Path, weights: str) -> None:
    arguments = ("--weights", weights, "--crop", "none", "--device", "cpu", "--json")
    rows = json.loads(utk(place, "predict", "chips", *arguments))
    former = recorded(f"rows/{Path(weights).stem}.json")
    assert_same_rows(rows, former)
    predictor = utkage.load_predictor(place / weights)
    chips = utkage.ChipStore.open(place / "sets" / "faces").split("all")
    assert len(predictor.predict_chips(chips.pixels[chips.rows])) == 36


@pytest.mark.parametrize("weights", ["calibrated.safetensors", "AgeGenderWeights.pt"])
def test_cards_say_the_same(place: Path, weights: str) -> None:
    described = json.loads(utk(place, "info", weights, "--json"))
    former = recorded(f"info/{Path(weights).stem}.json")
    assert differences(described, former, 1e-6) == []
    if weights == "calibrated.safetensors":
        assert described["calibration"]["fitted_on"]["n"] == 120


def test_weights_of_the_seed_call_are_gone_on_with(place: Path, tmp_path: Path) -> None:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from utkage.seed import AgeEstimationNet, AgeRangeNet, VggFace, train

    chips = utkage.ChipStore.open(place / "sets" / "faces").split("all")
    images = torch.from_numpy(chips.pixels[chips.rows]).permute(0, 3, 1, 2)
    faces = TensorDataset(images, torch.from_numpy(chips.ages), torch.from_numpy(chips.genders))
    models = VggFace(size=32, width=0.04), AgeRangeNet(), AgeEstimationNet()
    former, new = place / "AgeGenderWeights.pt", tmp_path / "AgeGenderWeights.pt"
    (epoch,) = train(*models, DataLoader(faces, batch_size=8), "cpu", former, 1, 0.2, new)
    assert epoch.epoch == 1
    old, now = (torch.load(path, weights_only=True) for path in (former, new))
    assert {name: value.shape for name, value in old.items()} == {
        name: value.shape for name, value in now.items()
    }


@pytest.mark.parametrize(
    ("weights", "former"),
    [
        ("calibrated.safetensors", "evaluation/metrics.json"),
        ("small.onnx", "onnx.metrics.json"),
    ],
)
def test_evaluations_say_the_same(place: Path, weights: str, former: str) -> None:
    result = evaluation(place, weights)
    before = recorded(former)
    assert list(before) == [key for key in result if key in before]
    # A sentence for people, whose wording is not part of the format.
    assert isinstance(result.pop("caveat"), type(before.pop("caveat")))
    # Their intervals were those of the bootstrap, and are exact now.
    for point in before["threshold"]["points"] if before["threshold"] else ():
        for rate in point.values():
            if isinstance(rate, dict):
                del rate["low"], rate["high"]
    assert differences(result, before, 2e-3) == []
    if weights == "calibrated.safetensors":
        rows = table(place / f"evaluated-{weights}" / "predictions.csv")
        wanted = table(FILES / "evaluation" / "predictions.csv")
        # "age" was the label beside "predicted_age".
        labels = {name: f"true_{name}" for name in ("age", "gender", "race", "range")}
        wanted = [{labels.get(name, name): row[name] for name in row} for row in wanted]
        assert list(rows[0])[: len(wanted[0])] == list(wanted[0])
        assert differences(*map(numbers, (rows, wanted)), 2e-3) == []


def test_former_predictions_are_not_scored_as_the_labels_beside_them(place: Path) -> None:
    shutil.copy(FILES / "evaluation" / "predictions.csv", place)
    result, former = evaluation(place, "predictions.csv"), recorded("evaluation/metrics.json")
    assert result["mae"] == pytest.approx(former["mae"], abs=0.01)


def test_a_table_of_answers_has_the_same_errors(place: Path) -> None:
    shutil.copy(FILES / "evaluation" / "theirs.csv", place)
    result, former = evaluation(place, "theirs.csv"), recorded("evaluation/metrics.json")
    for name in ("n", "mae", "mae_21_60", "bias", "cs5", "gender_accuracy", "baseline_mae"):
        assert result[name] == pytest.approx(former[name], abs=0.01), name


def test_rows_of_photographs(repository: Path, tmp_path: Path) -> None:
    former = recorded("rows/examples.json")
    names = ("examples/couple.jpg", "examples/rotated.jpg")
    rows = json.loads(utk(repository, "predict", *names, *SHIPPED, "--json"))
    assert_same_rows(rows, [row for row in former if row["file"] in names])

    # Of couple.jpg there is everything, of the next picture one face and part of a line.
    unfinished = tmp_path / "rows.jsonl"
    shutil.copy(FILES / "rows" / "unfinished.jsonl", unfinished)
    begun = unfinished.read_text().splitlines()
    everything = sorted(f"examples/{path.name}" for path in (repository / "examples").glob("*.jpg"))
    utk(repository, "predict", *everything, *SHIPPED, "--resume", "--out", unfinished)
    assert unfinished.read_text().splitlines()[:2] == begun[:2]
    assert_same_rows(json_lines(unfinished), json_lines(FILES / "rows" / "examples.jsonl"))


def test_tables_of_photographs(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(repository / "examples")
    arguments = ("predict", "examples/portrait.jpg", *SHIPPED, "--out")
    utk(tmp_path, *arguments, "rows.csv")
    (row,) = table(tmp_path / "rows.csv")
    former = table(FILES / "rows" / "examples.csv")
    assert list(row)[: len(former[0])] == list(former[0])
    (wanted,) = (line for line in former if line["file"] == "examples/portrait.jpg")
    kept = [{key: each[key] for key in wanted.keys() - PREDICTED} for each in (row, wanted)]
    assert differences(numbers(kept[:1]), numbers(kept[1:]), 0.3) == []
    assert row["gender"] == wanted["gender"]

    parquet = pytest.importorskip("pyarrow.parquet")
    utk(tmp_path, *arguments, "rows.parquet")
    found, before = map(parquet.read_table, (tmp_path / "rows.parquet", PARQUET))
    assert found.select(before.column_names).schema.equals(before.schema)
    assert_same_rows(
        found.to_pylist(),
        [line for line in before.to_pylist() if line["file"] == "examples/portrait.jpg"],
    )


def test_rows_of_videos(place: Path) -> None:
    shutil.copy(FILES / "rows" / "clip.mp4", place)
    arguments = ("predict", "clip.mp4", *SHIPPED, "--every", 3, "--no-show", "--json")
    (row,) = json.loads(utk(place, *arguments))
    (former,) = recorded("rows/clip.json")
    assert list(row) == list(former)
    # Programs that read videos differ by a shade.
    assert differences(row, former, 0.5) == []


PARQUET = FILES / "rows" / "examples.parquet"


def evaluation(place: Path, weights: str) -> dict[str, Any]:
    """As the recorded ones were made."""
    faces = ("--data", "sets/faces", "--split", "all", "--allow-seen", "--allow-suspicious")
    options = ("--resamples", 100, "--device", "cpu", "--json", "--out", f"evaluated-{weights}")
    threshold = ("--threshold", 18) if weights == "calibrated.safetensors" else ()
    arguments = ("evaluate", "--weights", weights, *faces, *options, *threshold)
    return dict(json.loads(utk(place, *arguments)))


def parsed(text: str) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib
    return dict(tomllib.loads(text))


def numbers(rows: Iterable[dict[str, str]]) -> list[dict[str, Any]]:
    """Cells that are numbers as such."""

    def cell(text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return text

    return [{name: cell(text) for name, text in row.items()} for row in rows]
