"""``utkage`` in a process of its own, forked from one that has imported what commands import.

A new interpreter spends most of a short command on importing torch, torchvision and matplotlib.
Such a child has its own memory, files and signals, as any process; only its imports are done.
"""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

METHODS = multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
if "forkserver" in METHODS:
    CONTEXT.set_forkserver_preload(
        ["torchvision.models", "matplotlib.pyplot", "utkage.cli.app", "utkage.training.train"]
    )


# Of prctl(2).
_SIGNAL_OF_PARENT_DEATH = 1
# Time in which a process that hangs writes where.
_STACK_SECONDS = 2.0
_POLL_SECONDS = 0.1


def end_with_parent() -> None:
    """Have the operating system kill this process when its parent ends, however it ends.

    On Linux only. Elsewhere a process whose parent was killed continues to its own end.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_OF_PARENT_DEATH, signal.SIGKILL)


def computed_seconds(pid: int | None) -> float:
    """Seconds that a process has computed, of all its threads; 0 after its end. On Linux only."""
    try:
        # After the name, which may hold anything: times of user and system are 14 and 15.
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        values = text.rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Running:
    """A command that has been started.

    Args:
        arguments: What is typed after ``utkage``.
        folder: Working directory.
        code: Run instead of the command line, with the arguments in ``sys.argv``.
    """

    arguments: Sequence[object]
    folder: Path
    code: str | None = None
    _output: Path = field(init=False)

    def __post_init__(self) -> None:
        self._output = Path(tempfile.mkdtemp(prefix="utkage-process-"))
        arguments = tuple(str(argument) for argument in self.arguments)
        threads = os.environ.setdefault("OMP_NUM_THREADS", "1")
        # Whatever was set when the server started, a child has the present environment.
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        self._process = CONTEXT.Process(  # type: ignore[attr-defined]
            target=_run, args=(arguments, self.folder, self._output, environment, self.code)
        )
        self._process.start()

    @property
    def has_begun(self) -> bool:
        """Whether signals do what they do to a new interpreter from now on."""
        return (self._output / "stderr").exists()

    @property
    def printed(self) -> str:
        """What it has printed on stderr so far."""
        return (self._output / "stderr").read_text("utf-8") if self.has_begun else ""

    @property
    def pid(self) -> int:
        """Number of the process."""
        return int(self._process.pid)

    def poll(self) -> int | None:
        """The exit code, if it has ended; below zero: minus the signal that ended it."""
        self._process.join(0)
        code: int | None = self._process.exitcode
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def wait(self, computed: float, clock: float) -> None:
        """Wait for the end, or until it has computed or taken so many seconds from now on."""
        ends, most = time.monotonic() + clock, computed_seconds(self.pid) + computed
        while time.monotonic() < ends and computed_seconds(self.pid) < most:
            self._process.join(_POLL_SECONDS)
            if self.poll() is not None:
                return

    def finish(self, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Wait for the end.

        Raises:
            TimeoutExpired: it took longer than ``timeout`` seconds; it is killed then. Its
                ``stderr`` shows what it was doing.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._show_stack()
            self._process.kill()
            self._process.join()
            command = ["utkage", *map(str, self.arguments)]
            raise subprocess.TimeoutExpired(command, timeout, stderr=self.printed)
        out, err = ((self._output / name).read_text("utf-8") for name in ("stdout", "stderr"))
        shutil.rmtree(self._output)
        return subprocess.CompletedProcess(["utkage", *map(str, self.arguments)], code, out, err)

    def _show_stack(self) -> None:
        """Have the process print the calls of its threads on stderr."""
        if hasattr(signal, "SIGUSR1"):
            self.send_signal(signal.SIGUSR1)
            time.sleep(_STACK_SECONDS)


def run_utkage(
    folder: Path, *arguments: object, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return Running(arguments, folder, code).finish()


def _run(
    arguments: tuple[str, ...],
    folder: Path,
    output: Path,
    environment: dict[str, str],
    code: str | None,
) -> None:
    end_with_parent()
    # As the entry point does: Ctrl-C prints no traceback of the process around the command.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number, name in ((1, "stdout"), (2, "stderr")):
        with (output / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["utkage", *arguments]
    if code is not None:
        exec(code, {"__name__": "__main__"})
        return
    from utkage.cli.app import main

    main()
