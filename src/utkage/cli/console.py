"""Progress and messages for people, on stderr. Plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from utkage.cli.option_names import as_options
from utkage.core.reporter import Progress, SilentProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PLAIN_LINE_SECONDS = 10.0
# Each costs 2 ms of a core, which training wants.
BARS_A_SECOND = 2


class ConsoleReporter:
    """Draws progress bars on a terminal, and writes a line now and then elsewhere."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet

    def info(self, message: str) -> None:
        """One line, unless quiet."""
        if not self._quiet:
            self._console.print(as_options(message), markup=False, highlight=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        """One line, even when quiet."""
        self._console.print(
            f"warning: {as_options(message)}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """A bar with rate and remaining time, or plain lines, or nothing when quiet."""
        if self._quiet:
            yield SilentProgress()
        elif self._console.is_terminal:
            with _bar(self._console) as bar:
                yield BarTask(bar, bar.add_task(label, total=total, note=""))
        else:
            yield _LineTask(self._console, label, total)


class BarTask:
    """A task with its bar."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self.bar = bar
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar."""
        self.bar.update(self._task, advance=steps, note=note)


class _LineTask:
    """Says where it stands every ten seconds; a task that is over sooner says nothing."""

    def __init__(self, console: Console, label: str, total: int | None) -> None:
        self._console = console
        self._label = label
        self._total = total
        self._done = 0
        self._started = time.monotonic()
        self._said = self._started

    def advance(self, steps: int = 1, note: str = "") -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._said < PLAIN_LINE_SECONDS:
            return
        self._said = now
        line = f"{self._label}: {self._done}"
        if self._total:
            remaining = (now - self._started) / max(1, self._done) * (self._total - self._done)
            line += f" of {self._total}, about {remaining:.0f} s to go"
        self._console.print(
            f"{line}{', ' + note if note else ''}", markup=False, highlight=False, soft_wrap=True
        )


def _bar(console: Console) -> Bar:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        transient=True,
        refresh_per_second=BARS_A_SECOND,
    )
