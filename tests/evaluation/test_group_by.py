"""Further columns of a label file, from the file through a prepared set to groups of a report."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ConfigError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.label_files.settings import LabelSettings
from utkage.data.sources.options import SourceOptions
from utkage.data.store import ChipStore
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.request import EvaluateRequest
from utkage.preparation.prepare import PrepareConfig, prepare

COUNT = 24


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of noise, their labels with two further columns, and a table of predictions."""
    root = tmp_path_factory.mktemp("faces")
    pictures = root / "pictures"
    pictures.mkdir()
    random = np.random.default_rng(0)
    labels = ["path,age,gender,glasses,skin tone,subject"]
    predictions = ["file,predicted_age,p_female"]
    for n in range(COUNT):
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{n}.png")
        glasses, tone = ("yes", "no")[n % 2], ("light", "dark", "")[n % 3]
        labels.append(f"{n}.png,{20 + n},{n % 2},{glasses},{tone},s{n // 2}")
        # Faces with glasses are taken for four years older, the others for one.
        predictions.append(f"{n}.png,{20 + n + (4 if n % 2 == 0 else 1)},0.{n % 2}5")
    (pictures / "labels.csv").write_text("\n".join(labels))
    (root / "theirs.csv").write_text("\n".join(predictions))
    config = PrepareConfig(
        sources=(pictures,), out=root / "set", options=SourceOptions(aligned=True), workers=1
    )
    prepare(config)
    return root


def test_a_prepared_set_keeps_further_columns(folder: Path) -> None:
    store = ChipStore.open(folder / "set")
    by_name = {row.record.name: dict(row.record.attributes) for row in store.manifest}
    assert by_name["0.png"] == {"glasses": "yes", "skin_tone": "light"}
    assert by_name["2.png"] == {"glasses": "yes"}
    chips = store.split("all")
    number = chips.names.index("2.png")
    assert {name: values[number] for name, values in chips.attributes.items()} == {
        "glasses": "yes",
        "skin_tone": "",
    }
    with (folder / "set" / str(store.description["files"]["manifest"])).open(newline="") as file:
        assert "subject" not in next(csv.reader(file))


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("data", ["set", "pictures"])
def test_groups_of_further_columns_of_another_programs_predictions(
    folder: Path, tmp_path: Path, data: str
) -> None:
    request = EvaluateRequest(
        data=folder / data,
        split="all",
        weights=str(folder / "theirs.csv"),
        options=SourceOptions(aligned=True),
        out=tmp_path / "out",
        resamples=100,
        group_by=("glasses", "skin_tone", "glasses*gender"),
        report=True,
    )
    result = evaluate(request)
    groups = {group.label: group for group in result.groups.groups}
    assert groups["glasses yes"].n == COUNT // 2
    assert groups["glasses yes"].value("mae") == pytest.approx(4)
    assert groups["glasses no"].value("mae") == pytest.approx(1)
    assert groups["skin_tone dark"].n == COUNT // 3
    assert groups["glasses x gender yes, male"].small
    assert "glasses x gender yes, female" not in groups
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert {"axis": "glasses", "name": "no", "n": 12, "small": True}.items() <= next(
        group for group in kept["groups"] if group["axis"] == "glasses"
    ).items()
    assert "glasses yes (few faces)" in (tmp_path / "out" / "report.html").read_text()
    request = replace(request, report=False)
    sizes = evaluate(replace(request, group_by=("eye_distance", "flags*gender"))).groups
    assert [group.name for group in sizes.of_axis("eye_distance")] == ["16-31 pixels"]
    assert "blurred x gender" in sizes.chosen
    assert "turned x gender" not in sizes.chosen
    with pytest.raises(UsageError, match="`group_by` hat: these faces have no hat column"):
        evaluate(replace(request, group_by=("hat",)))


def test_a_column_may_be_written_as_in_the_label_file(folder: Path, tmp_path: Path) -> None:
    request = EvaluateRequest(
        data=folder / "set",
        split="all",
        weights=str(folder / "theirs.csv"),
        out=tmp_path / "out",
        resamples=100,
        group_by=("Skin tone", "skin-tone*Gender"),
    )
    assert evaluate(request).groups.chosen == ("skin_tone", "skin_tone x gender")


def test_columns_that_are_missing_say_where_they_are_kept(folder: Path, tmp_path: Path) -> None:
    request = EvaluateRequest(
        data=folder / "set", weights=str(folder / "theirs.csv"), out=tmp_path, group_by=("subject",)
    )
    with pytest.raises(UsageError, match=r"no subject column; .* for a prepared set when it is"):
        evaluate(request)
    late = SourceOptions(settings=LabelSettings(keep_columns=("subject",)))
    with pytest.raises(UsageError, match="is a prepared set, so `keep_columns` comes too late"):
        evaluate(replace(request, options=late))


def test_a_source_without_a_named_column_has_it_unknown(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    random = np.random.default_rng(1)
    for n in range(6):
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(other / f"{n}.png")
    (other / "labels.csv").write_text(
        "path,age,gender\n" + "".join(f"{n}.png,{30 + n},{n % 2}\n" for n in range(6))
    )
    options = SourceOptions(aligned=True, settings=LabelSettings(keep_columns=("subject",)))
    config = PrepareConfig(
        sources=(folder / "pictures", other), out=tmp_path / "set", options=options, workers=1
    )
    reporter = Listener()
    prepare(config, reporter)
    assert reporter.warnings == [
        "other: labels.csv: has no column subject, so it is unknown for these pictures"
    ]
    chips = ChipStore.open(tmp_path / "set").split("all")
    known = {source: set() for source in chips.sources}
    for source, value in zip(chips.sources, chips.attributes["subject"], strict=True):
        known[source].add(value)
    assert known["other"] == {""}
    assert "" not in known["pictures"]
    with pytest.raises(ConfigError, match="`keep_columns` subject: no such column"):
        prepare(replace(config, sources=(other,), out=tmp_path / "none"))
    (other / "labels.csv").unlink()
    for n in range(6):
        (other / f"{n}.png").rename(other / f"{30 + n}_{n % 2}_0_2017010100000{n}.jpg.chip.jpg")
    with pytest.raises(ConfigError, match="`keep_columns`: there is no label file"):
        prepare(replace(config, sources=(other,), out=tmp_path / "none"))
