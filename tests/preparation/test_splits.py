"""Published splits, filters of ages, and one split for each component of duplicates."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prepared_sets import names, run

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.manifest import ManifestRow
from utkage.data.records import Record
from utkage.data.split import SplitConfig
from utkage.data.store import ChipStore
from utkage.preparation import prepare as workflow
from utkage.preparation.audit import resolve
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.resolve import FixConfig
from utkage.preparation.prepare import PrepareConfig
from utkage.preparation.splits import parse_ages, read_split_file

Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


def reasons_of(folder: Path) -> dict[str, str]:
    store = ChipStore.open(folder)
    left_out = {row.record.name: row.reason for row in store.manifest if not row.split}
    return {**left_out, **{item.name: item.reason for item in store.dropped()}}


@pytest.fixture
def faces(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    files = {name: picture(index) for index, name in enumerate(names(30))}
    return write_folder(tmp_path / "faces", files)


def test_a_published_split(tmp_path: Path, faces: Path) -> None:
    listed = names(30)[:12]
    lines = [f"{name},{('train', 'val', 'test')[index % 3]}" for index, name in enumerate(listed)]
    split_file = tmp_path / "published.csv"
    split_file.write_text("\n".join(["name,split", *lines]))
    result = run(faces, tmp_path / "out", split_file=split_file)
    assert result.splits == {"train": 4, "val": 4, "test": 4}
    assert Counter(reasons_of(tmp_path / "out").values()) == {"not in the split file": 18}
    split_file.write_text("name,split\na.jpg,train\na.jpg,test\n")
    with pytest.raises(DataError, match=r"line 3: a\.jpg is in two splits"):
        read_split_file(split_file)
    split_file.write_text("name,split\na.jpg,holdout\n")
    with pytest.raises(DataError, match="no split named 'holdout'"):
        read_split_file(split_file)
    for content, reason in (
        (b"name,split\n\xe9.jpg,train\n", "not UTF-8"),
        (b"name,split\n" + b"x" * 140_000 + b",train\n", "cells have at most 131,072"),
        (b"name\na.jpg\n", "lacks the column split"),
    ):
        split_file.write_bytes(content)
        with pytest.raises(DataError, match=reason):
            read_split_file(split_file)
    with pytest.raises(UsageError, match="no such split file"):
        read_split_file(tmp_path / "none.csv")


def test_a_filter_of_ages(tmp_path: Path, faces: Path) -> None:
    run(faces, tmp_path / "out", ages=(21, 25))
    assert sorted(ChipStore.open(tmp_path / "out").split("all").ages.tolist()) == [*range(21, 26)]
    assert parse_ages("21-60") == (21, 60)
    for text in ("21", "60-21", "a-b", "21-", ""):
        with pytest.raises(ConfigError, match="21-60"):
            parse_ages(text)


@pytest.fixture
def pairs(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    """A dozen pairs of duplicates whose labels agree, one of age 20 and one of age 21."""
    files = {}
    for index in range(12):
        files[f"20_0_0_{100 + index}.jpg"] = picture(50 + index)
        files[f"21_0_0_{200 + index}.jpg"] = picture(50 + index, comment="again")
    return write_folder(tmp_path / "pairs", files)


def test_a_filter_of_ages_does_not_lose_both_duplicates(tmp_path: Path, pairs: Path) -> None:
    run(pairs, tmp_path / "out", ages=(21, 60))
    store = ChipStore.open(tmp_path / "out")
    assert store.split("all").ages.tolist() == [21] * 12
    reasons = {row.reason for row in store.manifest if not row.split}
    assert reasons == {"age outside 21-60"}
    run(pairs, tmp_path / "whole")
    splits = {row.group: row.assigned_split for row in ChipStore.open(tmp_path / "whole").manifest}
    assert {row.group: row.assigned_split for row in store.manifest} == splits, (
        "a filter moves nobody"
    )


def test_an_unlisted_duplicate_neither_moves_nor_replaces_a_listed_picture(
    tmp_path: Path, pairs: Path
) -> None:
    lines = [f"21_0_0_{200 + index}.jpg,test" for index in range(12)]
    split_file = tmp_path / "published.csv"
    split_file.write_text("\n".join(["name,split", *lines]))
    result = run(pairs, tmp_path / "out", split_file=split_file)
    assert result.splits == {"train": 0, "val": 0, "test": 12}


def record(number: int, bits: int, age: int, gender: int, size: int) -> Record:
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
        width=size,
        height=size,
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
        # Sets that consist of near-duplicates only are part of this test.
        patch.setattr(resolve, "MAX_NEAR_SHARE", 1.0)
        try:
            manifest, _ = workflow._select(pictures, config, None, None, SilentReporter())
        except DataError:
            return []
    return manifest


@settings(max_examples=150)
@given(PICTURES, st.integers(0, 14), st.sampled_from(["keep-one", "drop-conflicts", "none"]))
def test_components_never_cross_splits_and_never_leave_training(
    records: list[Record], former: int, mode: str
) -> None:
    fix = FixConfig(mode, 24)
    before = {row.record.name: row for row in judged(records[:former], fix)}
    manifest = judged(records, fix)
    groups = find_duplicates([row.record for row in manifest], 24)
    splits: dict[str, str] = {}
    for index, row in enumerate(manifest):
        assert (
            splits.setdefault(groups.group_of(index).component, row.assigned_split)
            == row.assigned_split
        )
        assert row.split in (row.assigned_split, "")
        assert bool(row.split) != bool(row.reason)
        if row.record.name in before and before[row.record.name].assigned_split == "train":
            assert row.assigned_split == "train"
