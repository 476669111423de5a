"""Messages and progress of long computations; the library itself prints nothing.

Functions that take a while accept a ``Reporter``, by default a ``SilentReporter``. The command line
passes one that draws progress bars on stderr.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

_TIME_LEFT = re.compile(r"([0-9]+ days?, )?[0-9]+:[0-9:]+ left\b")


class Progress(Protocol):
    """A running task, from ``Reporter.progress``."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count ``steps`` more steps as done.

        ``note`` is a short status, such as the loss. One that begins with a time left
        (``tells_time_left``) is shown instead of an estimate from the steps of this task.
        """


class Reporter(Protocol):
    """Receiver of messages and progress."""

    def info(self, message: str) -> None:
        """Report one line of information."""

    def warn(self, message: str) -> None:
        """Report one line of warning."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Progress]:
        """Open a task of ``total`` steps (None if unknown); closing it ends the display."""


def tells_time_left(note: str) -> bool:
    """Whether the note of a task begins with a time left.

    >>> tells_time_left("0:07:27 left, loss 5.141"), tells_time_left("12 left")
    (True, False)
    """
    return _TIME_LEFT.match(note) is not None


class SilentProgress:
    """A task without a display."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Do nothing."""


class SilentReporter:
    """A reporter that discards everything: the default for library use."""

    def info(self, message: str) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Progress]:
        """Open a task without a display."""
        return nullcontext(SilentProgress())
