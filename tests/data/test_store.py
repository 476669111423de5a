import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.core.errors import DataError, UsageError
from utkage.data.labels import FaceLabel
from utkage.data.manifest import ManifestRow
from utkage.data.records import Dropped, Record
from utkage.data.split import SPLITS, split_hash
from utkage.data.store import STORE_FILE, ChipStore, is_prepared
from utkage.faces.contract import utkface_contract
from utkage.preparation.ingest import pixel_hash
from utkage.preparation.store_writer import StoreWriter

SIDE = 32
CONTRACT = utkface_contract(SIDE)
# store.json, chips, manifest, dropped and the lock.
FILES = 5


def some_chips(count: int, seed: int = 0) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def rows_of(chips: NDArray[np.uint8]) -> list[ManifestRow]:
    return [
        ManifestRow(
            row=row,
            record=Record(
                source='a "source", with commas' if row % 2 else "other",
                name=f"{row + 1}_{row % 2}_1_{row}.jpg",
                label=FaceLabel(row + 1, row % 2, None if row == 1 else row % 5),
                byte_hash=f"{row:064x}",
                pixel_hash=pixel_hash(chip),
                perceptual=bytes([row] * 32),
                width=SIDE,
                height=SIDE + row,
                aligned=row != 4,
                wrong_extension=row == 2,
                constant=row == 3,
            ),
            group=pixel_hash(chip),
            split=SPLITS[row % 3],
            assigned_split=SPLITS[row % 3],
            reason="",
        )
        for row, chip in enumerate(chips)
    ]


def write(folder: Path, count: int = 7, seed: int = 0) -> str:
    chips = some_chips(count, seed)
    left_out = replace(rows_of(chips)[0], row=count, split="", reason="copy of it")
    with StoreWriter(folder, CONTRACT) as writer:
        assert [writer.append(chip) for chip in chips] == list(range(count))
        writer.append(chips[0])
        dropped = [Dropped("s", "x.jpg", "why,\nnot")]
        writer.commit([*rows_of(chips), left_out], dropped, {"source": {"name": "s"}})
    return ChipStore.open(folder).split_hash


def change(folder: Path, **values: object) -> None:
    path = folder / STORE_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def file_of(folder: Path, kind: str) -> Path:
    return folder / str(json.loads((folder / STORE_FILE).read_text())["files"][kind])


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "set"
    assert not is_prepared(folder)
    identity = write(folder)
    assert is_prepared(folder)
    store, chips = ChipStore.open(folder), some_chips(7)
    assert store.contract == CONTRACT
    assert store.manifest[:7] == tuple(rows_of(chips))
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
    (batch,) = train.batches(10, SIDE)
    np.testing.assert_array_equal(batch, chips[[0, 3, 6]])
    assert store.dropped() == (Dropped("s", "x.jpg", "why,\nnot"),)
    assert store.split("all", "other").ages.tolist() == [1, 3, 5, 7]
    with pytest.raises(UsageError, match="no source named 'third'"):
        store.split("all", "third")


def test_the_format_is_plain_arithmetic(tmp_path: Path) -> None:
    write(tmp_path)
    raw = np.frombuffer(file_of(tmp_path, "chips").read_bytes(), np.uint8)
    np.testing.assert_array_equal(raw.reshape(8, SIDE, SIDE, 3)[:7], some_chips(7))


def test_batches_at_another_size(tmp_path: Path) -> None:
    write(tmp_path)
    chips = ChipStore.open(tmp_path).split("all")
    batches = list(chips.batches(3, 16))
    assert [batch.shape for batch in batches] == [(3, 16, 16, 3), (3, 16, 16, 3), (1, 16, 16, 3)]
    assert all(batch.dtype == np.uint8 for batch in batches)
    # Halving with area averaging is the mean of 2 x 2 pixels.
    mean = some_chips(7).reshape(7, 16, 2, 16, 2, 3).astype(float).mean((2, 4))
    assert float(np.abs(np.concatenate(batches) - mean).max()) <= 0.51


def test_chips_are_read_only(tmp_path: Path) -> None:
    write(tmp_path)
    pixels = ChipStore.open(tmp_path).split("all").pixels
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0, 0] = 1


def test_a_new_state_replaces_the_old_one(tmp_path: Path) -> None:
    first = write(tmp_path)
    assert write(tmp_path, count=4, seed=5) != first
    assert len(ChipStore.open(tmp_path).split("all")) == 4
    assert len(list(tmp_path.iterdir())) == FILES, "no files of the old state"


@pytest.mark.parametrize("before", [True, False])
def test_an_exception_before_commit_keeps_the_old_state(tmp_path: Path, before: bool) -> None:
    identity = write(tmp_path) if before else None
    files = sorted(tmp_path.iterdir())

    def fail() -> None:
        with StoreWriter(tmp_path, CONTRACT) as writer:
            writer.append(some_chips(1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (sorted(tmp_path.iterdir()) if tmp_path.exists() else []) == files
    if identity:
        assert ChipStore.open(tmp_path).split_hash == identity


def test_leaving_without_commit_keeps_the_old_state(tmp_path: Path) -> None:
    identity = write(tmp_path)
    with StoreWriter(tmp_path, CONTRACT) as writer:
        writer.append(some_chips(1)[0])
    assert ChipStore.open(tmp_path).split_hash == identity
    assert len(list(tmp_path.iterdir())) == FILES


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from utkage.core import files
from utkage.preparation import store_writer as store
from utkage.faces.contract import utkface_contract

def hang(*args):
    print("ready", flush=True)
    time.sleep(60)

writer = store.StoreWriter(Path(sys.argv[1]), utkface_contract(32)).__enter__()
for _ in range(50):
    writer.append(np.zeros((32, 32, 3), np.uint8))
if sys.argv[2] == "chips":
    hang()
elif sys.argv[2] == "tables":
    files.os.fsync = hang
else:
    store.write_json = hang
writer.commit([], [], {})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
@pytest.mark.parametrize("moment", ["chips", "tables", "last"])
def test_a_killed_writer_leaves_the_old_state_and_the_next_clears_up(
    tmp_path: Path, moment: str
) -> None:
    identity = write(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), moment], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.kill()
        process.wait()
    assert len(list(tmp_path.iterdir())) > FILES, "the killed writer left something behind"
    assert ChipStore.open(tmp_path).split_hash == identity
    write(tmp_path, count=3, seed=9)
    assert len(ChipStore.open(tmp_path).split("all")) == 3
    assert len(list(tmp_path.iterdir())) == FILES, "left-overs are gone"


def test_other_folders_are_refused(tmp_path: Path) -> None:
    holiday = tmp_path / "photos" / "holiday.jpg"
    holiday.parent.mkdir()
    holiday.write_bytes(b"mine")
    with pytest.raises(UsageError, match="photos: holds other files"):
        StoreWriter(holiday.parent, CONTRACT)
    assert list(holiday.parent.iterdir()) == [holiday]
    with pytest.raises(UsageError, match="is a file"):
        StoreWriter(holiday, CONTRACT)
    assert holiday.read_bytes() == b"mine"


def test_a_prepared_set_with_a_foreign_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        StoreWriter(tmp_path, CONTRACT)


def test_tables_of_somebody_else_are_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "manifest-2024.csv").write_text("mine")
    (tmp_path / "dropped-notes.csv").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        StoreWriter(tmp_path, CONTRACT)
    assert len(list(tmp_path.iterdir())) == 2


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "set", CONTRACT):
        script = (
            "import sys; from pathlib import Path; from utkage.preparation.store_writer import *; "
            "from utkage.faces.contract import utkface_contract\n"
            "with StoreWriter(Path(sys.argv[1]), utkface_contract(32)): pass"
        )
        other = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "set")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "another utkage is writing here" in other.stderr


def test_a_chip_of_another_shape_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, CONTRACT) as writer:
        for chip in (np.zeros((16, 16, 3), np.uint8), np.zeros((SIDE, SIDE, 3), np.float32)):
            with pytest.raises(DataError, match="in a store of 32 pixels"):
                writer.append(chip)  # type: ignore[arg-type]


def test_no_set_at_all(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match="utkage prepare"):
            ChipStore.open(folder)


@pytest.mark.parametrize("cut", [1, SIDE * SIDE * 3, None])
def test_damaged_chips(tmp_path: Path, cut: int | None) -> None:
    write(tmp_path)
    path = file_of(tmp_path, "chips")
    if cut is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"chips-.*prepare again"):
        ChipStore.open(tmp_path)


def test_a_newer_version(tmp_path: Path) -> None:
    write(tmp_path)
    change(tmp_path, version=2)
    with pytest.raises(DataError, match="format version 2, this utkage reads 1"):
        ChipStore.open(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", "null", '{"format": "other", "version": 1, "files": {}}']
)
def test_a_damaged_store_file(tmp_path: Path, content: str) -> None:
    write(tmp_path)
    (tmp_path / STORE_FILE).write_text(content)
    with pytest.raises(DataError, match=r"store\.json"):
        ChipStore.open(tmp_path)


@pytest.mark.parametrize(
    "values",
    [{"contract": {}}, {"contract": None}, {"rows": None}, {"files": {}}, {"files": None}],
)
def test_store_files_that_lack_something(tmp_path: Path, values: dict[str, object]) -> None:
    write(tmp_path)
    change(tmp_path, **values)
    with pytest.raises(DataError, match="prepare again"):
        ChipStore.open(tmp_path)


@pytest.mark.parametrize("damage", ["cut in a line", "cut at a line", "age", "row", "missing"])
def test_a_damaged_manifest(tmp_path: Path, damage: str) -> None:
    write(tmp_path)
    path = file_of(tmp_path, "manifest")
    lines = path.read_text().splitlines(keepends=True)
    fields = lines[-1].split(",")
    if damage == "cut in a line":
        path.write_text("".join(lines[:-1]) + lines[-1][:4])
    elif damage == "cut at a line":
        path.write_text("".join(lines[:-1]))
    elif damage == "age":
        path.write_text("".join(lines).replace(",7,0,", ",700,0,"))
    elif damage == "row":
        path.write_text("".join(lines[:-1]) + ",".join(["70", *fields[1:]]))
    else:
        path.unlink()
    with pytest.raises(DataError, match=r"manifest-.*prepare again"):
        ChipStore.open(tmp_path)


def test_unknown_and_empty_splits(tmp_path: Path) -> None:
    chips = some_chips(1)
    with StoreWriter(tmp_path, CONTRACT) as writer:
        writer.append(chips[0])
        writer.commit(rows_of(chips), [], {})
    store = ChipStore.open(tmp_path)
    with pytest.raises(UsageError, match="the test split is empty"):
        store.split("test")
    with pytest.raises(UsageError, match="no split named 'Train'"):
        store.split("Train")


def test_a_failure_beside_a_newer_set_is_not_hidden(tmp_path: Path) -> None:
    write(tmp_path)
    change(tmp_path, version=2)
    kept = {path.name for path in tmp_path.iterdir()}

    def fail() -> None:
        with StoreWriter(tmp_path, CONTRACT):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert kept <= {path.name for path in tmp_path.iterdir()}
