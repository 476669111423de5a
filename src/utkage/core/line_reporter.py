"""Progress as plain lines: for log files, notebooks, and programs without the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from utkage.core.reporter import Progress, Reporter, SilentReporter, tells_time_left

LINE_SECONDS = 10.0


class LineTask:
    """Prints its state every ten seconds; a task that ends sooner prints nothing."""

    def __init__(self, write: Callable[[str], None], label: str, total: int | None) -> None:
        self._write = write
        self._label = label
        self._total = total
        self._done = 0
        self._started = time.monotonic()
        self._printed = self._started

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps, and print a line if the last one is long ago."""
        self._done += steps
        now = time.monotonic()
        if now - self._printed < LINE_SECONDS:
            return
        self._printed = now
        line = f"{self._label}: {self._done}"
        if self._total:
            line += f" of {self._total}"
        if self._total and not tells_time_left(note):
            remaining = (now - self._started) / max(1, self._done) * (self._total - self._done)
            line += f", about {remaining:.0f} s left"
        self._write(f"{line}, {note}" if note else line)


class LineReporter:
    """Prints messages and progress as lines on stderr, with the library's own names of fields."""

    def info(self, message: str) -> None:
        """Print one line."""
        print(message.replace("`", ""), file=sys.stderr, flush=True)

    def warn(self, message: str) -> None:
        """Print one line."""
        self.info(f"warning: {message}")

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Print a line every ten seconds."""
        yield LineTask(self.info, label, total)


def default_reporter() -> Reporter:
    """Lines on stderr where somebody reads them, in a terminal or a notebook; else silence."""
    in_notebook = "ipykernel" in sys.modules
    is_watched = in_notebook or (sys.stderr is not None and sys.stderr.isatty())
    return LineReporter() if is_watched else SilentReporter()
