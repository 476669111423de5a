"""Where the rows of ``predict`` go, and in which format."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.cli.option_names import as_options
from utkage.cli.streams import data_stdout
from utkage.cli.tables import print_table
from utkage.core.appending import append_whole
from utkage.core.errors import UsageError
from utkage.core.outputs import file_identity, same_file
from utkage.core.text import counted, printable

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter
    from utkage.prediction.row_files import WriteRow
    from utkage.prediction.rows import AnyRow, Row


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
    ``csv_safe`` keeps spreadsheets from taking a text of CSV for a formula.
    """

    json: bool = False
    jsonl: bool = False
    csv: bool = False
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    csv_safe: bool = False

    def write(self, rows: Iterable[Row], kind: type[Row]) -> int:
        """Write every row, of class ``kind``, as it comes; return the number of failed inputs."""
        from utkage.prediction.row_files import write_rows
        from utkage.prediction.row_list import row_table

        with ExitStack() as stack:
            identity = None if self.out is None else file_identity(self.out)
            write = self._open(stack, kind)
            if self.out is not None and identity is not None:
                rows = _other_than(rows, self.out)
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
                if write is None and collected:
                    print_table(row_table(collected))
            return failed

    def _open(self, stack: ExitStack, kind: type[Row]) -> WriteRow | None:
        from utkage.prediction.row_files import csv_rows, json_lines, json_rows, rows_file

        if self.out is not None:
            return stack.enter_context(
                rows_file(
                    self.out,
                    kind,
                    resume=self.resume,
                    overwrite=self.overwrite,
                    csv_safe=self.csv_safe,
                )
            )
        if self.jsonl:
            return json_lines(partial(append_whole, data_stdout()))
        if self.json:
            return stack.enter_context(json_rows(data_stdout()))
        return csv_rows(data_stdout(), kind, safe=self.csv_safe) if self.csv else None


def _other_than(rows: Iterable[AnyRow], out: Path) -> Iterator[AnyRow]:
    """The rows, as long as none is of the file that they replace; stdin may list it."""
    for row in rows:
        if same_file(out, [Path(row.file)]):
            raise UsageError(f"--out {out}: is an input of this command; name another file")
        yield row


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
