"""Where and in which form the rows of ``predict`` go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from utkage.cli.option_names import as_options

if TYPE_CHECKING:
    from utkage.prediction.row_files import WriteRow
    from utkage.prediction.rows import Row

AnyRow = TypeVar("AnyRow", bound="Row")


@dataclass(frozen=True)
class Form:
    """What was asked for; nothing of it asks for a table.

    Attributes:
        json: One JSON list on stdout.
        jsonl: JSON lines on stdout.
        csv: CSV on stdout.
        out: A file whose ending says its form.
        resume: Go on with that file.
    """

    json: bool
    jsonl: bool
    csv: bool
    out: Path | None
    resume: bool = False

    def write(
        self,
        rows: Iterable[AnyRow],
        kind: type[AnyRow],
        print_table: Callable[[list[AnyRow]], None],
    ) -> int:
        """Write every row as it comes; how many inputs failed.

        Args:
            rows: Of one kind.
            kind: Their class.
            print_table: Prints all of them for people.
        """
        from utkage.prediction.row_files import (
            csv_rows,
            json_lines,
            json_rows,
            rows_file,
            write_rows,
        )

        with ExitStack() as stack:
            write: WriteRow | None = None
            if self.out is not None:
                write = stack.enter_context(rows_file(self.out, kind, resume=self.resume))
            elif self.jsonl:
                write = stack.enter_context(json_lines(sys.stdout))
            elif self.json:
                write = stack.enter_context(json_rows(sys.stdout))
            elif self.csv:
                write = csv_rows(sys.stdout, kind)
            rows = map(_with_options, rows)
            if self.out is not None or (write is not None and not sys.stdout.isatty()):
                return write_rows(rows, write)
            # On a terminal, rows and the progress bar would write into each other.
            collected: list[AnyRow] = []
            try:
                for row in rows:
                    collected.append(row)
            finally:
                # What was answered before an interruption is shown as well.
                failed = write_rows(collected, write)
                if write is None and collected:
                    print_table(collected)
            return failed


def _with_options(row: AnyRow) -> AnyRow:
    """Messages of failed rows name options, as those on stderr do."""
    return row if row.reason is None else replace(row, reason=as_options(row.reason))
