from pathlib import Path

import numpy as np
import pytest
from small_sets import (
    CONTRACT,
    DESCRIPTION,
    SIZE,
    change_store_file,
    file_of,
    manifest_rows,
    random_chips,
    write_set,
)

from utkage.core.errors import DataError, UsageError
from utkage.data.records import Dropped
from utkage.data.split import split_hash
from utkage.data.store import STORE_FILE, ChipStore, is_prepared
from utkage.preparation.store_writer import StoreWriter


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "set"
    assert not is_prepared(folder)
    identity = write_set(folder)
    assert is_prepared(folder)
    store, chips = ChipStore.open(folder), random_chips(7)
    assert store.contract == CONTRACT
    assert store.manifest[:7] == tuple(manifest_rows(chips))
    assert (store.manifest[7].split, store.manifest[7].reason) == ("", "copy of it")
    assert store.split_hash == identity
    used = [row for row in store.manifest if row.split]
    assert identity == split_hash((row.record.pixel_hash, row.split) for row in used)
    assert (store.description["rows"], store.description["usable"]) == (8, 7)
    assert store.description["splits"] == {"train": 3, "val": 2, "test": 2}
    assert store.description["dropped"] == 1
    assert store.description["source"] == {"name": "s"}
    everything = store.split("all")
    np.testing.assert_array_equal(everything.pixels[everything.rows], chips)
    assert everything.ages.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert everything.genders.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert everything.races.tolist() == [0, -1, 2, 3, 4, 0, 1]
    train = store.split("train")
    assert train.rows.tolist() == [0, 3, 6]
    assert train.names == ("1_0_1_0.jpg", "4_1_1_3.jpg", "7_0_1_6.jpg")
    (batch,) = train.batches(10, train.contract)
    np.testing.assert_array_equal(batch, chips[[0, 3, 6]])
    assert store.dropped() == (Dropped("s", "x.jpg", "why,\nnot"),)
    assert store.split("all", "other").ages.tolist() == [1, 3, 5, 7]
    with pytest.raises(UsageError, match="no source named 'third'"):
        store.split("all", "third")


def test_the_format_is_plain_arithmetic(tmp_path: Path) -> None:
    write_set(tmp_path)
    raw = np.frombuffer(file_of(tmp_path, "chips").read_bytes(), np.uint8)
    np.testing.assert_array_equal(raw.reshape(8, SIZE, SIZE, 3)[:7], random_chips(7))


def test_batches_at_another_size(tmp_path: Path) -> None:
    write_set(tmp_path)
    chips = ChipStore.open(tmp_path).split("all")
    batches = list(chips.batches(3, chips.contract.at_size(64)))
    assert [batch.shape for batch in batches] == [(3, 64, 64, 3), (3, 64, 64, 3), (1, 64, 64, 3)]
    assert all(batch.dtype == np.uint8 for batch in batches)


def test_chips_are_read_only(tmp_path: Path) -> None:
    write_set(tmp_path)
    pixels = ChipStore.open(tmp_path).split("all").pixels
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0, 0] = 1


def test_no_set_at_all(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match="utkage prepare"):
            ChipStore.open(folder)


@pytest.mark.parametrize("cut", [1, SIZE * SIZE * 3, None])
def test_damaged_chips(tmp_path: Path, cut: int | None) -> None:
    write_set(tmp_path)
    path = file_of(tmp_path, "chips")
    if cut is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"chips-.*prepare again"):
        ChipStore.open(tmp_path)


def test_a_newer_version(tmp_path: Path) -> None:
    write_set(tmp_path)
    change_store_file(tmp_path, version=2)
    with pytest.raises(DataError, match="format version 2, this utkage reads 1"):
        ChipStore.open(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", "null", '{"format": "other", "version": 1, "files": {}}']
)
def test_a_damaged_store_file(tmp_path: Path, content: str) -> None:
    write_set(tmp_path)
    (tmp_path / STORE_FILE).write_text(content)
    with pytest.raises(DataError, match=r"store\.json"):
        ChipStore.open(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"contract": {}},
        {"contract": None},
        {"rows": None},
        {"rows": 10**15},
        {"rows": "7"},
        {"files": {}},
        {"files": None},
        {"files": {"chips": ["x"], "manifest": "x", "dropped": "x"}},
        {"files": {"chips": "../x", "manifest": "x", "dropped": "x"}},
        {"source": "s"},
        {"source": {"name": 3}},
        {"split": None},
        {"splits": {"train": "many"}},
        {"split_hash": 5},
        {"detector": []},
        {"detector": {"name": "x", "file": 3}},
        {"version": "1"},
    ],
)
def test_store_files_that_lack_something(tmp_path: Path, values: dict[str, object]) -> None:
    write_set(tmp_path)
    change_store_file(tmp_path, **values)
    with pytest.raises(DataError, match="prepare again"):
        ChipStore.open(tmp_path)


def test_unknown_and_empty_splits(tmp_path: Path) -> None:
    chips = random_chips(1)
    with StoreWriter(tmp_path, CONTRACT) as writer:
        writer.append(chips[0])
        writer.commit(manifest_rows(chips), [], DESCRIPTION)
    store = ChipStore.open(tmp_path)
    with pytest.raises(UsageError, match="the test split is empty"):
        store.split("test")
    with pytest.raises(UsageError, match="no split named 'Train'"):
        store.split("Train")
