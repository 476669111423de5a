"""A process ends soon after a stop signal, even in a long call into C; saving work has no limit."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from utkage.cli.stop_limit import StopLimit
from utkage.core.signals import deferred_stop_signals, raising_stop_signals, work_to_save

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes that signals wake")

# The call does not return to Python, and does not hold its lock.
LONG_CALL = """
import sys
from pathlib import Path
from hashlib import pbkdf2_hmac
from utkage.cli import process
from utkage.core.files import replacing
from utkage.core.signals import raising_stop_signals
from utkage.core.single_writer import holding_folder

def command():
    out = Path(sys.argv[1])
    with raising_stop_signals(), holding_folder(out, lambda name: True):
        with replacing(out / "graph.onnx") as partial:
            partial.write_bytes(b"half")
            print("begun", flush=True)
            pbkdf2_hmac("sha256", b"", b"", 10**9)

process._run = command
process.run_command()
"""


class Recorder:
    """Numbers of ended processes and printed lines, in their order."""

    def __init__(self) -> None:
        self.events: queue.Queue[int | str] = queue.Queue()

    def next(self) -> int | str:
        return self.events.get(timeout=5)

    def is_quiet(self, seconds: float = 0.2) -> bool:
        try:
            self.events.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """What a limit of 50 ms does in this process."""
    recorder = Recorder()
    limit = StopLimit(recorder.events.put, recorder.events.put, grace=0.05, apart=0.02)
    limit.start()
    with raising_stop_signals():
        yield recorder
    signal.set_wakeup_fd(-1)


def interrupt(number: int = signal.SIGINT) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_goes_on_is_ended(recorder: Recorder, number: int) -> None:
    assert recorder.is_quiet()
    started = time.monotonic()
    interrupt(number)
    assert recorder.next() == number
    assert time.monotonic() - started >= 0.05


def test_work_is_saved_without_limit(recorder: Recorder) -> None:
    with deferred_stop_signals() as arrived:
        signal.raise_signal(signal.SIGTERM)
        assert "without saving" in str(recorder.next())
        assert recorder.is_quiet()
        assert arrived() == signal.SIGTERM
    assert recorder.is_quiet(), "the main thread has received the signal"
    interrupt()
    assert recorder.next() == signal.SIGINT, "the next signal counts again"


def test_a_second_signal_sets_a_limit(recorder: Recorder) -> None:
    with deferred_stop_signals():
        signal.raise_signal(signal.SIGINT)
        recorder.next()
        signal.raise_signal(signal.SIGINT)
        assert recorder.next() == signal.SIGINT


def test_work_that_would_be_saved_has_no_limit(recorder: Recorder) -> None:
    with work_to_save():
        interrupt()
        assert "without saving" in str(recorder.next())
        assert recorder.is_quiet()
    interrupt()
    assert recorder.next() == signal.SIGINT


def test_other_signals_end_nothing(recorder: Recorder) -> None:
    former = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, former)
    assert recorder.is_quiet()


def test_signals_of_a_forked_process_are_its_own(recorder: Recorder) -> None:
    child = os.fork()
    if not child:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert recorder.is_quiet()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_call_ends_within_two_seconds(number: int, tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = subprocess.Popen(
        [sys.executable, "-c", LONG_CALL, str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    time.sleep(0.3)  # The call has begun.
    started = time.monotonic()
    running.send_signal(number)
    _, messages = running.communicate(timeout=30)
    assert 1.4 < time.monotonic() - started < 2.5
    assert running.returncode == 128 + number
    assert len(messages.splitlines()) == 1
    assert messages.startswith("error: ")
    left = [path.name for path in out.iterdir()]
    if sys.platform == "linux":
        assert left == [".lock"], "the next run removes the lock"
