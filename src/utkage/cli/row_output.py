"""Where the rows of ``predict`` go, and in which format."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.cli.option_names import as_options
from utkage.cli.streams import data_stdout
from utkage.cli.tables import print_table
from utkage.core.appending import append_whole
from utkage.core.text import counted, printable

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter
    from utkage.prediction.row_files import WriteRow
    from utkage.prediction.rows import AnyRow, Row
    from utkage.prediction.run_record import RunRecord


# Messages of one kind that are printed; the rest are counted.
MESSAGES = 10


class UnwrittenPictures:
    """Warns of the first pictures that cannot be written, and counts all."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.count = 0

    def __call__(self, error: Exception) -> None:
        """Note one picture and why it cannot be written."""
        self.count += 1
        if self.count <= MESSAGES:
            self._reporter.warn(str(error))

    def report(self) -> None:
        """Print how many pictures there were, if any."""
        if self.count:
            pictures = counted(self.count, "picture")
            self._reporter.warn(f"{pictures} could not be written; all rows are complete")


@dataclass(frozen=True, kw_only=True)
class RowDestination:
    """A format on stdout or a file, whose suffix decides the format; by default a table on stdout.

    ``resume`` appends to the file; ``overwrite`` may replace one that holds something else.
    ``csv_safe`` keeps spreadsheets from taking a text of CSV for a formula. ``record`` gives what
    makes the rows of a class, for JSON lines.
    """

    json: bool = False
    jsonl: bool = False
    csv: bool = False
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    csv_safe: bool = False
    record: Callable[[type[Row]], RunRecord] | None = None
    opened: list[Path] = field(default_factory=list, init=False)
    """The files of rows that ``write`` has opened."""

    def write(self, rows: Iterable[Row], kind: type[Row]) -> int:
        """Write every row as it comes; return the number of failed inputs.

        A file has the rows of class ``kind``. Those of videos among pictures have a file of their
        own (``row_files.videos_file``), for their columns are others. A stream of JSON has both.
        """
        from utkage.prediction.row_files import write_rows

        with ExitStack() as stack:
            write = self._open(stack, kind)
            rows = _with_options(rows, printed=self.csv and sys.stdout.isatty())
            if self.out is not None or (write is not None and not sys.stdout.isatty()):
                return write_rows(rows, write)
            # On a terminal, rows would break into the progress bar, so they come at the end.
            collected: list[Row] = []
            try:
                for row in rows:
                    collected.append(row)
            finally:
                # Rows that came before an interruption are shown as well.
                failed = write_rows(collected, write)
                if write is None:
                    _print_tables(collected)
            return failed

    def _open(self, stack: ExitStack, kind: type[Row]) -> WriteRow | None:
        from utkage.prediction.row_files import csv_rows, json_lines, json_rows

        if self.out is not None:
            return self._open_files(stack, self.out, kind)
        if self.jsonl:
            return json_lines(partial(append_whole, data_stdout()))
        if self.json:
            return stack.enter_context(json_rows(data_stdout()))
        if not self.csv:
            return None
        return _by_kind({}, lambda kind: csv_rows(data_stdout(), kind, safe=self.csv_safe))

    def _open_files(self, stack: ExitStack, out: Path, kind: type[Row]) -> WriteRow:
        from utkage.prediction.row_files import rows_file, videos_file

        def opened(kind: type[Row], path: Path) -> WriteRow:
            self.opened.append(path)
            return stack.enter_context(
                rows_file(
                    path,
                    kind,
                    resume=self.resume,
                    overwrite=self.overwrite,
                    csv_safe=self.csv_safe,
                    record=None if self.record is None else self.record(kind),
                )
            )

        return _by_kind({kind: opened(kind, out)}, lambda kind: opened(kind, videos_file(out)))


def _by_kind(
    writers: dict[type[Row], WriteRow], opened: Callable[[type[Row]], WriteRow]
) -> WriteRow:
    """Write each row by the writer of its class, which is opened when its first row comes."""

    def write(row: Row) -> None:
        kind = type(row)
        if kind not in writers:
            writers[kind] = opened(kind)
        writers[kind](row)

    return write


def _print_tables(rows: list[Row]) -> None:
    """Print one table per class of rows, whose columns differ."""
    from utkage.prediction.row_list import row_table

    for kind in dict.fromkeys(map(type, rows)):
        print_table(row_table([row for row in rows if type(row) is kind]))


def _with_options(rows: Iterable[AnyRow], *, printed: bool) -> Iterator[AnyRow]:
    """Name options in the reasons of failed rows, as messages on stderr do.

    In rows that are ``printed`` on a terminal, control characters of names are shown as well.
    """
    for row in rows:
        if row.reason is not None:
            row = replace(row, reason=as_options(row.reason))
        if printed:
            row = replace(
                row, file=printable(row.file), reason=row.reason and printable(row.reason)
            )
        yield row
