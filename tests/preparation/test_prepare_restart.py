"""``prepare`` when it was killed, failed, or ran out of disk space."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import prepared_sets
import pytest
from prepared_sets import bytes_of

from utkage.core.errors import DataError
from utkage.data.store import ChipStore
from utkage.preparation.store_writer import StoreWriter

Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


Bytes = dict[str, bytes]


# One worker, so that pictures are handled in a known order.
run = partial(prepared_sets.run, workers=1)


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


def test_a_failed_run_keeps_the_former_set(tmp_path: Path, faces: Path) -> None:
    result = run(faces, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        run(tmp_path / "empty", tmp_path / "out")
    assert ChipStore.open(tmp_path / "out").split_hash == result.split_hash


def test_a_full_disk(tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(faces, tmp_path / "out")
    before = bytes_of(tmp_path / "out")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(faces, tmp_path / "out", seed=3)
    monkeypatch.undo()
    assert bytes_of(tmp_path / "out") == before
    assert ChipStore.open(tmp_path / "out").split_hash == result.split_hash
