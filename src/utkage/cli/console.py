"""Progress and messages on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from utkage.cli.option_names import as_options
from utkage.core.line_reporter import LineTask
from utkage.core.reporter import Progress, SilentProgress, tells_time_left
from utkage.core.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

# Drawing a bar takes 2 ms of a core that training needs.
BARS_A_SECOND = 2
BAR_WIDTH = 8


class ConsoleReporter:
    """Draws progress bars on a terminal; elsewhere prints a line from time to time.

    Every message names options instead of the library's fields (``as_options``).
    """

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet

    def info(self, message: str) -> None:
        """Print one line, unless quiet."""
        if not self._quiet:
            print_line(self._console, message)

    def warn(self, message: str) -> None:
        """Print one line, even when quiet."""
        print_line(self._console, f"warning: {message}", style="yellow")

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Show a bar with the time remaining, or plain lines, or nothing when quiet."""
        if self._quiet:
            yield SilentProgress()
        elif self._console.is_terminal:
            with _bar(self._console) as bar:
                yield BarTask(bar, bar.add_task(printable(as_options(label)), total=total, note=""))
        else:
            yield LineTask(lambda line: print_line(self._console, line), label, total)


def print_line(console: Console, message: str, style: str | None = None) -> None:
    """Print a message as one line with option names, without interpreting anything in it."""
    text = printable(as_options(message))
    console.print(text, style=style, markup=False, emoji=False, highlight=False, soft_wrap=True)


class BarTask:
    """A task with its own progress bar."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self.bar = bar
        self._task = task

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move the bar."""
        self.bar.update(self._task, advance=steps, note=printable(as_options(note)))


def _bar(console: Console) -> Bar:
    from rich import progress
    from rich.table import Column
    from rich.text import Text

    class TimeLeftColumn(progress.TimeRemainingColumn):
        """The time left, unless the note of the task begins with one."""

        def render(self, task: progress.Task) -> Text:
            if tells_time_left(task.fields["note"]):
                return Text()
            return Text("ETA ") + super().render(task)

    # On a narrow terminal, only the end of the note is cut.
    note = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(bar_width=BAR_WIDTH),
        progress.TaskProgressColumn(),
        TimeLeftColumn(),
        progress.TextColumn("{task.fields[note]}", markup=False, table_column=note),
        expand=True,
        console=console,
        transient=True,
        refresh_per_second=BARS_A_SECOND,
    )
