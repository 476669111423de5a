"""The report of a set: written again when it is missing or stale; pictures of conflicts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import prepared_sets
import pytest
from PIL import Image
from prepared_sets import bytes_of

from utkage.data.sources.options import SourceOptions
from utkage.data.split import SplitConfig
from utkage.data.store import ChipStore
from utkage.preparation import prepare as workflow
from utkage.preparation.audit import report_files
from utkage.preparation.audit.report_files import SIZE, conflict_thumbnails
from utkage.preparation.audit.resolve import FixConfig
from utkage.preparation.prepare import PrepareConfig, PrepareResult, prepare

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]

# One worker, so that pictures are handled in a known order.
run = partial(prepared_sets.run, workers=1)


class Killed(BaseException):
    """Stands for the end of the process."""


def kill(*arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize("report", ["audit.json", "audit.html"])
def test_a_report_that_is_made_again_is_the_same(tmp_path: Path, faces: Path, report: str) -> None:
    run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    conflicts = json.loads(before["audit.json"])["conflicts"]
    assert {conflict["split"] for conflict in conflicts} > {"train"}, "left out and kept ones"
    (tmp_path / "out" / report).unlink()
    # A kill during the writing of a report leaves such a file.
    stem, suffix = report.split(".")
    (tmp_path / "out" / f".{stem}.0123456789abcdef.partial.{suffix}").write_text("{")
    assert run(faces, tmp_path / "out").unchanged
    assert bytes_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("seed", "fix"), [(3, FixConfig()), (0, FixConfig(age_tolerance=2))], ids=["split", "settings"]
)
def test_a_kill_before_the_report_leaves_no_stale_one(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, seed: int, fix: FixConfig
) -> None:
    run(faces, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(workflow, "write_report", kill)
        with pytest.raises(Killed):
            run(faces, tmp_path / "out", seed, fix=fix)
    assert run(faces, tmp_path / "out", seed, fix=fix).unchanged
    run(faces, tmp_path / "fresh", seed, fix=fix)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "fresh")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert run(faces, tmp_path / "out", seed, fix=fix).unchanged
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times


def test_every_report_names_its_store(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    run(faces, tmp_path / "out", 1)
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["store"] != report["store"]


def test_a_missing_report_is_made_again(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    (tmp_path / "out" / "audit.html").unlink()
    assert run(faces, tmp_path / "out").unchanged
    assert bytes_of(tmp_path / "out") == before


@pytest.fixture
def prepared(tmp_path: Path, picture: Picture, write_folder: Folder) -> PrepareResult:
    files = {
        "20_0_0_1.jpg": picture(1, 64),
        "60_0_0_2.jpg": picture(1, 64, comment="40 years later"),
        "30_0_0_3.jpg": picture(2, 64),
        "40_0_0_4.jpg": picture(2, 64, comment="10 years later"),
        "50_0_0_5.jpg": picture(3, 64),
        "51_0_0_6.jpg": picture(3, 64, comment="as good as the same age"),
        "70_0_0_7.jpg": picture(4, 64),
    }
    source = write_folder(tmp_path / "faces", files)
    options = SourceOptions(aligned=True)
    split = SplitConfig(0, 0, 0)
    return prepare(
        PrepareConfig(
            sources=(source,), out=tmp_path / "out", chip_size=64, split=split, options=options
        )
    )


def test_conflicting_pictures_and_no_others(prepared: PrepareResult) -> None:
    store = ChipStore.open(prepared.folder)
    assert prepared.audit is not None
    found = conflict_thumbnails(store, prepared.audit)
    hashes = {row.record.label.age: row.record.pixel_hash for row in store.manifest}
    assert list(found) == [hashes[20], hashes[30]], "one each, the widest apart first"
    rows = {row.record.pixel_hash: row.row for row in store.manifest}
    for pixel_hash, content in found.items():
        picture = Image.open(io.BytesIO(content))
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (SIZE, SIZE), "RGB")
        chip = Image.fromarray(store.pixels()[rows[pixel_hash]]).resize((SIZE, SIZE))
        # Noise suffers from compression; a picture of another face would be 80 levels away.
        apart = np.abs(np.asarray(picture, float) - np.asarray(chip, float)).mean()
        assert apart < 40


def test_the_page_shows_them(prepared: PrepareResult) -> None:
    page = (prepared.folder / "audit.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 4, "of both members of both groups"


def test_the_number_is_bounded(prepared: PrepareResult, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ChipStore.open(prepared.folder)
    assert prepared.audit is not None
    everything = conflict_thumbnails(store, prepared.audit)
    monkeypatch.setattr(report_files, "MAX_PICTURES", 1)
    found = conflict_thumbnails(store, prepared.audit)
    assert list(found) == list(everything)[:1]


def test_no_conflicts_no_pictures(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    source = write_folder(
        tmp_path / "calm", {"20_0_0_1.jpg": picture(1), "30_0_0_2.jpg": picture(2)}
    )
    options, fix = SourceOptions(aligned=True), FixConfig("none")
    result = prepare(
        PrepareConfig(sources=(source,), out=tmp_path / "o", chip_size=32, fix=fix, options=options)
    )
    assert result.audit is not None
    assert conflict_thumbnails(ChipStore.open(result.folder), result.audit) == {}
