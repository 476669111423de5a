"""How the library tells somebody what it is doing, without ever printing itself.

Workflows take a ``Reporter``. The command line passes one that draws progress bars on stderr;
library users get ``SilentReporter`` by default, or pass their own object with the same methods.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """One running task, from ``Reporter.progress``."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count ``steps`` further steps as done; ``note`` is a short state, such as the loss."""


class Reporter(Protocol):
    """What a workflow may say while it runs."""

    def info(self, message: str) -> None:
        """Say one line that a person may want to read."""

    def warn(self, message: str) -> None:
        """Say one line that a person should read."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Progress]:
        """Open a task of ``total`` steps (None: not known); closing it ends the display."""


class SilentProgress:
    """A task that nobody watches."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Do nothing."""


class SilentReporter:
    """Says nothing: the default for library use."""

    def info(self, message: str) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing."""

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Progress]:
        """Open a task that nobody watches."""
        return nullcontext(SilentProgress())
