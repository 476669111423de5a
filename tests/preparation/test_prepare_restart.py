"""What stays of a ``prepare`` that was stopped, filtered, or ran out of disk."""

from __future__ import annotations

import errno
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.manifest import ManifestRow
from utkage.data.records import Record
from utkage.data.sources import SourceOptions
from utkage.data.split import SplitConfig
from utkage.data.store import ChipStore
from utkage.preparation import prepare as workflow
from utkage.preparation.audit import resolve
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.resolve import FixConfig
from utkage.preparation.prepare import PrepareConfig, PrepareResult, prepare
from utkage.preparation.store_writer import StoreWriter

Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]
Bytes = dict[str, bytes]


def run(source: Path, out: Path, seed: int = 0, **options: Any) -> PrepareResult:
    split = SplitConfig(seed, 0.3, 0.3)
    aligned = SourceOptions(aligned=True)
    return prepare(
        PrepareConfig(
            sources=(source,),
            out=out,
            chip_size=32,
            split=split,
            options=aligned,
            workers=1,
            **options,
        )
    )


def bytes_of(folder: Path) -> Bytes:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def faces(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    """Twenty single pictures, and a dozen pairs of copies that contradict each other."""
    files = {f"{index + 1}_0_0_{index}.jpg": picture(index) for index in range(20)}
    for index in range(12):
        files[f"20_0_0_{100 + index}.jpg"] = picture(50 + index)
        files[f"40_0_0_{200 + index}.jpg"] = picture(50 + index, comment="again")
    return write_folder(tmp_path / "faces", files)


@pytest.fixture
def pairs(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    """A dozen pairs of copies that agree, one of age 20 and one of age 21."""
    files = {}
    for index in range(12):
        files[f"20_0_0_{100 + index}.jpg"] = picture(50 + index)
        files[f"21_0_0_{200 + index}.jpg"] = picture(50 + index, comment="again")
    return write_folder(tmp_path / "pairs", files)


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
    # What a kill inside the writing of a report leaves.
    (tmp_path / "out" / f".{Path(report).stem}.x1.partial{Path(report).suffix}").write_text("{")
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


def test_removed_and_renamed_pictures_give_the_set_of_a_fresh_run(
    tmp_path: Path, faces: Path
) -> None:
    run(faces, tmp_path / "out")
    first, second, *_ = sorted(faces.iterdir())
    first.unlink()
    second.rename(faces / "77_1_2_999.jpg")
    run(faces, tmp_path / "out")
    run(faces, tmp_path / "fresh")
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "fresh")


def test_a_damaged_set_is_made_anew(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    whole = bytes_of(tmp_path / "out")
    (chips,) = (tmp_path / "out").glob("chips-*")
    chips.write_bytes(chips.read_bytes()[:-1])
    assert not run(faces, tmp_path / "out").unchanged
    assert bytes_of(tmp_path / "out") == whole


class Full:
    """A file on a disk that takes ``left`` more bytes and then only refuses."""

    def __init__(self, file: Any, left: int) -> None:
        self._file, self._left = file, left

    def write(self, content: memoryview) -> None:
        self._left -= content.nbytes
        self._check()
        self._file.write(content)

    def flush(self) -> None:
        self._check()
        self._file.flush()

    def fileno(self) -> int:
        return int(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        self._check()

    def _check(self) -> None:
        if self._left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("chips", [0, 7, 43])
def test_a_disk_that_gets_full(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, chips: int
) -> None:
    run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    enter = StoreWriter.__enter__

    def enter_full(writer: StoreWriter) -> StoreWriter:
        enter(writer)
        writer._chips = Full(writer._chips, chips * 32 * 32 * 3)  # type: ignore[assignment]
        return writer

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "__enter__", enter_full)
        with pytest.raises(OSError, match="No space left") as caught:
            run(faces, tmp_path / "out", 1)
    assert caught.value.filename == str(tmp_path / "out" / ".chips.partial.u8")
    assert bytes_of(tmp_path / "out") == before, "no left-over, and the former set"
    assert run(faces, tmp_path / "out").unchanged
    assert not run(faces, tmp_path / "out", 1).unchanged, "the lock is free again"


def test_a_filter_of_ages_does_not_lose_both_copies(tmp_path: Path, pairs: Path) -> None:
    run(pairs, tmp_path / "out", ages=(21, 60))
    store = ChipStore.open(tmp_path / "out")
    assert store.split("all").ages.tolist() == [21] * 12
    reasons = {row.reason for row in store.manifest if not row.split}
    assert reasons == {"age outside 21-60"}
    run(pairs, tmp_path / "whole")
    sides = {row.group: row.assigned_split for row in ChipStore.open(tmp_path / "whole").manifest}
    assert {row.group: row.assigned_split for row in store.manifest} == sides, (
        "a filter moves nobody"
    )


def test_an_unlisted_copy_neither_moves_nor_replaces_a_listed_picture(
    tmp_path: Path, pairs: Path
) -> None:
    lines = [f"21_0_0_{200 + index}.jpg,test" for index in range(12)]
    split_file = tmp_path / "published.csv"
    split_file.write_text("\n".join(["name,split", *lines]))
    result = run(pairs, tmp_path / "out", split_file=split_file)
    assert result.splits == {"train": 0, "val": 0, "test": 12}


def record(number: int, bits: int, age: int, gender: int, side: int) -> Record:
    digest = f"{random.Random(number).getrandbits(256):064x}"
    label = FaceLabel(age, gender, None)
    name = f"{number}.jpg"
    perceptual = bits.to_bytes(32, "big")
    return Record(
        source="s",
        name=name,
        label=label,
        byte_hash=digest,
        pixel_hash=digest,
        perceptual=perceptual,
        width=side,
        height=side,
        aligned=True,
        wrong_extension=False,
        constant=False,
    )


# Hashes of few set bits lie close together, so that components form and grow together.
PICTURES = st.lists(
    st.builds(
        record,
        st.integers(0, 1000),
        st.sets(st.integers(0, 255), max_size=40).map(lambda bits: sum(1 << bit for bit in bits)),
        st.integers(20, 30),
        st.integers(0, 1),
        st.sampled_from([64, 200]),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda item: item.name,
)


def judged(records: list[Record], fix: FixConfig) -> list[ManifestRow]:
    pictures = workflow._Pictures(records, [None] * len(records), [])
    config = PrepareConfig(split=SplitConfig(0, 0.3, 0.3), fix=fix)
    with pytest.MonkeyPatch.context() as patch:
        # Whole sets of copies are what is to be tried here.
        patch.setattr(resolve, "MAX_NEAR_SHARE", 1.0)
        try:
            manifest, _ = workflow._select(pictures, config, SilentReporter())
        except DataError:
            return []
    return manifest


@settings(deadline=None, max_examples=150)
@given(PICTURES, st.integers(0, 14), st.sampled_from(["keep-one", "drop-conflicts", "none"]))
def test_families_never_cross_and_training_is_never_left(
    records: list[Record], former: int, mode: str
) -> None:
    fix = FixConfig(mode, 24)
    before = {row.record.name: row for row in judged(records[:former], fix)}
    manifest = judged(records, fix)
    groups = find_duplicates([row.record for row in manifest], 24)
    sides: dict[str, str] = {}
    for index, row in enumerate(manifest):
        assert (
            sides.setdefault(groups.group_of(index).component, row.assigned_split)
            == row.assigned_split
        )
        assert row.split in (row.assigned_split, "")
        assert bool(row.split) != bool(row.reason)
        if row.record.name in before and before[row.record.name].assigned_split == "train":
            assert row.assigned_split == "train"


def test_every_report_names_its_store(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out")
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    run(faces, tmp_path / "out", 1)
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["store"] != report["store"]
