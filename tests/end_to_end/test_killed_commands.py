"""kill -9 while a file is written: the former files stay, and the next run removes what is left."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command_cases import CASES, INT8, ONNX, WEB, bytes_of
from few_chips import WITH_FEW_CHIPS

from tools.warm_process import run_utkage
from utkage.core.errors import ExitCode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX"),
]

# Dies when a file has been written, but does not have its name yet.
KILLED = """
import os, signal, sys

written = []

def die(handle):
    written.append(handle)
    if len(written) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)

os.fsync = die
from utkage.cli.app import main
sys.exit(main())
"""
# Dies while ONNX Runtime converts a file in a temporary folder.
KILLED_WHILE_QUANTISING = """
import os, signal, sys
from pathlib import Path
from onnxruntime import quantization

def die(plain, *rest, **options):
    os.kill(os.getpid(), signal.SIGKILL)

quantization.quantize_static = die
from utkage.cli.app import main
sys.exit(main())
"""
# Names that are nearly those of temporary files, or those of other outputs.
FOREIGN = (
    *(".rows.partial.csv", ".metrics.partial.json", ".store.mine.partial.json", ".hidden"),
    *(".notes.0123456789abcdef.partial.txt", ".chips.partial.u8.bak"),
)

# Outputs that the same command may write again.
REPLACED = ("rows as CSV", "contact sheet", "copies", "report", "export")


@pytest.fixture
def out(folder: Path) -> Iterator[Path]:
    """An output folder with files of somebody else."""
    out = folder / "out"
    out.mkdir()
    for name in FOREIGN:
        (out / name).write_text("mine")
    yield out
    shutil.rmtree(out)


def partials(out: Path) -> list[str]:
    return [name for name in bytes_of(out) if ".partial" in name and Path(name).name not in FOREIGN]


def kill(folder: Path, arguments: Sequence[str], code: str) -> None:
    done = run_utkage(folder, *arguments, code=code)
    assert done.returncode == -signal.SIGKILL, done.stderr


def assert_clean(out: Path) -> None:
    files = bytes_of(out)
    assert not partials(out)
    for name in FOREIGN:
        assert files.pop(name) == b"mine"
    assert not [name for name in files if Path(name).name.startswith(".")]
    assert files


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("crops", (3,)),
        ("calibration", (1,)),
        ("prepared set", (2, 4, 6)),
        ("run", (1, 3, 6)),
        *((name, (1,)) for name in ("rows as JSON", "rows as Parquet")),
        *((name, (1,)) for name in REPLACED if name not in ("copies", "report")),
        ("copies", (1, 2)),
        # The first file, and a chart in the folder of the charts.
        ("report", (1, 9)),
    ],
)
def test_the_next_run_removes_what_is_left(
    folder: Path, out: Path, name: str, numbers: Sequence[int]
) -> None:
    arguments = CASES[name].arguments
    for number in numbers:
        kill(folder, arguments, KILLED.format(number=number))
        assert partials(out), f"the run killed at file {number} left something"
    done = run_utkage(folder, *arguments)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert_clean(out)
    if name in REPLACED:
        before = bytes_of(out)
        kill(folder, arguments, KILLED.format(number=1))
        after = bytes_of(out)
        assert {path: after[path] for path in before} == before, "the former files stay"


def test_a_set_that_is_current_is_cleaned_as_well(folder: Path, out: Path) -> None:
    arguments = CASES["prepared set"].arguments
    run_utkage(folder, *arguments).check_returncode()
    before = bytes_of(out)
    kill(folder, (*arguments, "--seed", "3"), KILLED.format(number=1))
    assert partials(out)
    done = run_utkage(folder, *arguments)
    assert "nothing to do" in done.stderr
    assert bytes_of(out) == before


def test_int8(folder: Path, out: Path) -> None:
    kill(folder, INT8, KILLED_WHILE_QUANTISING)
    assert any(name.endswith("plain.onnx") for name in partials(out))
    # Any export of the same file cleans up.
    done = run_utkage(folder, *ONNX, code=WITH_FEW_CHIPS)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert_clean(out)


def test_a_web_folder(folder: Path, out: Path) -> None:
    kill(folder, WEB, KILLED.format(number=2))
    assert any("faces.onnx" in name for name in partials(out))
    done = run_utkage(folder, *WEB, code=WITH_FEW_CHIPS)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert (out / "web" / "index.html").is_file()
    assert_clean(out)
