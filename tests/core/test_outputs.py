from __future__ import annotations

import os
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.core.files import write_text
from utkage.core.outputs import contains, require_output
from utkage.prediction.row_files import check_rows_file


def _require(path: Path, inputs: tuple[Path, ...] = (), *, overwrite: bool = False) -> None:
    require_output(
        path,
        "out",
        inputs=inputs,
        is_ours=lambda path: contains(path, "ours"),
        overwrite=overwrite,
    )


def test_new_empty_and_earlier_outputs_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    _require(path)
    path.touch()
    _require(path)
    path.write_text("this is ours")
    _require(path)


def test_files_of_another_kind_need_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("of somebody else")
    with pytest.raises(UsageError, match=r"a\.txt: exists .*`overwrite=True`"):
        _require(path)
    _require(path, overwrite=True)
    with pytest.raises(UsageError, match="is a folder"):
        _require(tmp_path, overwrite=True)


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_inputs_are_never_replaced_under_any_name(tmp_path: Path, link: str) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("ours")
    getattr(other, link)(path)
    for output in (path, other, tmp_path / "." / "a.txt"):
        with pytest.raises(UsageError, match="is an input of this command"):
            _require(output, (path,), overwrite=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_devices_and_pipes_are_never_replaced(tmp_path: Path, suffix: str, linked: bool) -> None:
    pipe = tmp_path / f"a{suffix}"
    os.mkfifo(pipe)
    path = tmp_path / f"b{suffix}" if linked else pipe
    if linked:
        path.symlink_to(pipe)
    for write in (
        lambda: _require(path, overwrite=True),
        lambda: check_rows_file(path, resume=suffix == ".jsonl", overwrite=True),
        lambda: write_text(path, "x"),
    ):
        with pytest.raises(UsageError, match="is a device or a pipe"):
            write()
    assert pipe.is_fifo()
