"""The process of a command: early signals, closed and full streams, readers that leave."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors and signals of POSIX")

UTKAGE = [sys.executable, "-m", "utkage"]


def _run(
    *arguments: str, before: Callable[[], None] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*UTKAGE, *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},  # type: ignore[call-overload]
        text=True,
        check=False,
        preexec_fn=before,
    )


def _start(*arguments: str, stdout: int) -> subprocess.Popen[str]:
    return subprocess.Popen([*UTKAGE, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("arguments", [["recipes"], ["--help"], ["runs", "."], ["info", "--json"]])
def test_a_closed_stdout_is_named(arguments: list[str]) -> None:
    done = _run(*arguments, before=lambda: os.close(1))
    assert done.returncode in (1, 2)
    assert done.stderr == "error: stdout: closed; redirect it to a file, or to /dev/null\n"


@pytest.mark.parametrize("arguments", [["recipes"], ["--help"], ["info", "--json"]])
def test_a_full_stdout_is_named_once(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _run(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "error: stdout: No space left on device\n"


@pytest.mark.parametrize("arguments", [["info"], ["recipes", "best"], ["--help"], ["info", "-h"]])
def test_a_reader_that_leaves_is_no_error(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _run(*arguments, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_stdin_matters_only_to_those_who_read_it(examples: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    picture = str(examples / "portrait.jpg")
    done = _run("predict", picture, "--out", str(out), before=lambda: os.close(0))
    assert done.returncode == 0
    assert len(out.read_text().splitlines()) == 2
    done = _run("predict", "-", "--csv", before=lambda: os.close(0))
    assert done.returncode == 2
    assert "error: - needs stdin, which is closed" in done.stderr


@pytest.mark.parametrize("descriptors", [(1,), (2,), (0, 1, 2)])
def test_rows_in_a_file_need_no_streams(
    examples: Path, tmp_path: Path, descriptors: tuple[int, ...]
) -> None:
    out = tmp_path / "rows.csv"

    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    done = _run("predict", str(examples / "portrait.jpg"), "--out", str(out), before=close)
    assert done.returncode == 0
    assert len(out.read_text().splitlines()) == 2, "nothing but rows came into the file"


def test_messages_that_nobody_reads_do_not_end_the_work(examples: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _run("predict", str(examples / "portrait.jpg"), "--csv", stderr=writer)
    os.close(writer)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2


def test_the_first_row_of_many_without_a_traceback(examples: Path, tmp_path: Path) -> None:
    for number in range(30):
        shutil.copyfile(examples / "couple.jpg", tmp_path / f"{number}.jpg")
    running = _start("predict", str(tmp_path), "--jsonl", stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline().startswith('{"file"')
    running.stdout.close()
    assert running.stderr is not None
    messages = running.stderr.read()
    assert running.wait() == 0
    assert [line for line in messages.splitlines() if not line.startswith("weights ")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.2])
def test_a_signal_at_any_time_is_one_line(number: int, seconds: float, examples: Path) -> None:
    pictures = [str(path) for path in sorted(examples.glob("*.jpg"))]
    running = _start("predict", *pictures, "--csv", stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    running.send_signal(number)
    _, messages = running.communicate(timeout=60)
    # Before Python has loaded the program, the system ends the process.
    if running.returncode not in (-number, 0):
        assert running.returncode == 128 + number
        errors = [line for line in messages.splitlines() if not line.startswith("weights ")]
        assert len(errors) == 1, messages
        assert errors[0].startswith("error: ")
    assert "Traceback" not in messages or running.returncode == -number
