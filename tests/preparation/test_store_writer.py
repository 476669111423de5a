"""Writing a prepared set: atomic, one writer at a time, no foreign files touched."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_sets import (
    CONTRACT,
    FILES,
    SIZE,
    change_store_file,
    file_of,
    manifest_rows,
    random_chips,
    write_set,
)

from utkage.core.errors import DataError, UsageError
from utkage.data.store import ChipStore
from utkage.preparation.store_writer import StoreWriter


def test_a_new_state_replaces_the_old_one(tmp_path: Path) -> None:
    first = write_set(tmp_path)
    assert write_set(tmp_path, count=4, seed=5) != first
    assert len(ChipStore.open(tmp_path).split("all")) == 4
    assert len(list(tmp_path.iterdir())) == FILES, "no files of the old state"


@pytest.mark.parametrize("before", [True, False])
def test_an_exception_before_commit_keeps_the_old_state(tmp_path: Path, before: bool) -> None:
    identity = write_set(tmp_path) if before else None
    files = sorted(tmp_path.iterdir())

    def fail() -> None:
        with StoreWriter(tmp_path, CONTRACT) as writer:
            writer.append(random_chips(1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (sorted(tmp_path.iterdir()) if tmp_path.exists() else []) == files
    if identity:
        assert ChipStore.open(tmp_path).split_hash == identity


def test_leaving_without_commit_keeps_the_old_state(tmp_path: Path) -> None:
    identity = write_set(tmp_path)
    with StoreWriter(tmp_path, CONTRACT) as writer:
        writer.append(random_chips(1)[0])
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
writer.commit([], [], {"source": {"name": "s"}, "split": {}})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
@pytest.mark.parametrize("moment", ["chips", "tables", "last"])
def test_a_killed_writer_leaves_the_old_state_and_the_next_clears_up(
    tmp_path: Path, moment: str
) -> None:
    identity = write_set(tmp_path)
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
    write_set(tmp_path, count=3, seed=9)
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
    write_set(tmp_path)
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
        for chip in (np.zeros((16, 16, 3), np.uint8), np.zeros((SIZE, SIZE, 3), np.float32)):
            with pytest.raises(DataError, match="in a store of 32 pixels"):
                writer.append(chip)  # type: ignore[arg-type]


def test_a_failure_beside_a_newer_set_is_not_hidden(tmp_path: Path) -> None:
    write_set(tmp_path)
    change_store_file(tmp_path, version=2)
    kept = {path.name for path in tmp_path.iterdir()}

    def fail() -> None:
        with StoreWriter(tmp_path, CONTRACT):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert kept <= {path.name for path in tmp_path.iterdir()}


def test_chips_of_another_detector_get_files_of_their_own(tmp_path: Path) -> None:
    chips = random_chips(1)
    names = []
    for description in (
        {},
        {"detector": {"name": "retinaface", "file": None}},
        {"detector": {"name": "yunet", "file": "0123456789abcdef"}},
    ):
        with StoreWriter(tmp_path, CONTRACT) as writer:
            writer.append(chips[0])
            writer.commit(manifest_rows(chips), [], description)
        names.append(file_of(tmp_path, "chips").name)
    assert names[0] == names[1] != names[2]
