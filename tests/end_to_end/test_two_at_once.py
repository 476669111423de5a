"""Two processes with one output: the second is refused, and the first ends as if it were alone."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_cases import CASES, bytes_of

from tools.warm_process import Running, run_utkage
from utkage.core.errors import ExitCode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX"),
]

# Stops as soon as the process holds an output.
HOLDING = """
import sys, time
from pathlib import Path
from utkage.core import single_writer

def wait(*args):
    Path("ready").touch()
    time.sleep(600)

single_writer.remove_dead_partials = wait
from utkage.cli.app import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def _clean(folder: Path) -> Iterator[None]:
    yield
    (folder / "ready").unlink(missing_ok=True)
    for name in ("out", "runs"):
        shutil.rmtree(folder / name, ignore_errors=True)


def holding(folder: Path, *arguments: str) -> Running:
    running = Running(arguments, folder, HOLDING)
    deadline = time.monotonic() + 120
    while not (folder / "ready").exists():
        assert running.poll() is None, running.finish().stderr
        assert time.monotonic() < deadline, "it never held its output"
        time.sleep(0.01)
    return running


@pytest.mark.parametrize("name", CASES)
def test_the_second_is_refused_and_a_dead_one_blocks_nothing(folder: Path, name: str) -> None:
    case = CASES[name]
    first = holding(folder, *case.arguments)
    try:
        before = bytes_of(folder)
        second = run_utkage(folder, *case.arguments)
        assert second.returncode == ExitCode.USAGE, second.stderr
        assert "another utkage is writing here" in second.stderr
        assert bytes_of(folder) == before
    finally:
        first.kill()
        first.finish()
    third = run_utkage(folder, *case.arguments)
    assert third.returncode == ExitCode.DONE, third.stderr
    names = [path.name for path in (folder / case.folder).rglob("*")]
    assert names
    # The record of a file of rows stays beside it, for --resume.
    hidden = [name for name in names if name.startswith(".") and not name.endswith(".run")]
    assert not hidden, "neither locks nor leftovers"


def test_two_resumed_runs_write_every_row_once(folder: Path, examples: Path) -> None:
    photos = folder / "many"
    photos.mkdir()
    for number in range(12):
        shutil.copy(examples / "portrait.jpg", photos / f"{number}.jpg")
    arguments = ("predict", "many", "--weights", "shipped", "-o", "out/rows.jsonl", "--resume")
    both = [Running(arguments, folder) for _ in range(2)]
    codes = [running.finish().returncode for running in both]
    assert ExitCode.DONE in codes
    assert set(codes) <= {ExitCode.DONE, ExitCode.USAGE}
    assert len((folder / "out" / "rows.jsonl").read_text().splitlines()) == 12


def test_one_file_of_rows_under_two_names(folder: Path) -> None:
    rows = folder / "out" / "rows.jsonl"
    rows.parent.mkdir()
    rows.touch()
    (folder / "out" / "hard.jsonl").hardlink_to(rows)
    (folder / "out" / "soft.jsonl").symlink_to("rows.jsonl")
    arguments = ("predict", "photos", "--weights", "shipped", "--resume", "-o")
    # Stopped by a list on stdin that nobody ends would need a pipe; stopped in its model instead.
    running = Running((*arguments, "out/rows.jsonl"), folder, HOLDING_ROWS)
    try:
        deadline = time.monotonic() + 120
        while not (folder / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for name in ("hard", "soft"):
            second = run_utkage(folder, *arguments, f"out/{name}.jsonl")
            assert second.returncode == ExitCode.USAGE, second.stderr
            assert "another utkage is writing" in second.stderr
    finally:
        running.kill()
        running.finish()


HOLDING_ROWS = """
import sys, time
from pathlib import Path
from utkage.prediction import row_files

def wait(*args):
    Path("ready").touch()
    time.sleep(600)

row_files.json_lines = wait
from utkage.cli.app import main
sys.exit(main())
"""


def test_trainings_that_start_together_get_folders_of_their_own(folder: Path) -> None:
    arguments = [each for each in CASES["run"].arguments if each not in ("--run", "./out")]
    both = [Running(arguments, folder) for _ in range(2)]
    for running in both:
        done = running.finish()
        assert done.returncode == ExitCode.DONE, done.stderr
    runs = list((folder / "runs").iterdir())
    assert len(runs) == 2
    assert all((run / "best.safetensors").is_file() for run in runs)


def test_weights_are_not_calibrated_while_they_are_trained(folder: Path) -> None:
    run = folder / "out"
    done = run_utkage(folder, *CASES["run"].arguments)
    assert done.returncode == ExitCode.DONE, done.stderr
    first = holding(folder, *CASES["run"].arguments)
    try:
        arguments = (
            "evaluate",
            "--calibrate",
            "--split",
            "train",
            "--allow-seen",
            "--device",
            "cpu",
        )
        second = run_utkage(folder, *arguments, "--weights", "out")
        assert second.returncode == ExitCode.USAGE, second.stderr
        assert f"{run.name}: another utkage is writing here" in second.stderr
    finally:
        first.kill()
        first.finish()


@pytest.mark.parametrize("kind", ["link", "folder"])
@pytest.mark.parametrize("name", ["rows as CSV", "copies", "report", "prepared set", "run"])
def test_a_lock_that_is_no_file(folder: Path, name: str, kind: str) -> None:
    case = CASES[name]
    lock = folder / "out" / (".rows.csv.lock" if name == "rows as CSV" else ".lock")
    lock.parent.mkdir()
    target = folder / "out" / ".target"
    if kind == "folder":
        lock.mkdir()
    else:
        target.write_text("mine")
        lock.symlink_to(target)
    refused = run_utkage(folder, *case.arguments)
    assert refused.returncode == ExitCode.USAGE, refused.stderr
    assert "remove it, or name another output" in refused.stderr
    if kind == "link":
        assert lock.is_symlink()
        assert target.read_text() == "mine"
