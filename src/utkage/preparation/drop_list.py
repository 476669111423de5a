"""The list of pictures to leave out, as ``audit-labels`` writes it and a person completes it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from utkage.core.errors import DataError, UsageError
from utkage.core.reporter import Reporter
from utkage.core.text import counted, spreadsheet_safe
from utkage.data.label_files.delimited import delimited_rows
from utkage.data.label_files.row import shown
from utkage.data.label_files.text import decodings
from utkage.data.records import Record

_TITLES = ("file", "drop")
_YES = frozenset({"yes", "y", "true", "1", "x", "drop"})
_NO = frozenset({"", "no", "n", "false", "0", "keep"})


@dataclass(frozen=True)
class DropList:
    """Pictures to leave out.

    Attributes:
        path: The file.
        pictures: Their lines in the file by source and name; the source is empty where the file
            does not say.
    """

    path: Path
    pictures: Mapping[tuple[str, str], int]

    def drops(self, record: Record) -> bool:
        """Whether this picture is left out."""
        return any(key in self.pictures for key in _keys(record))

    def report_unknown(self, records: Iterable[Record], reporter: Reporter) -> None:
        """Warn about names that no picture has: a misspelt one would stay in the set."""
        known = {key for each in records for key in _keys(each) if key in self.pictures}
        unknown = [(line, key[1]) for key, line in self.pictures.items() if key not in known]
        if unknown:
            line, name = unknown[0]
            reporter.warn(
                f"{self.path}: {counted(len(unknown), 'picture')} to drop not found (first: line "
                f"{line}, {name}); names must be as in the manifest of the set"
            )


def _keys(record: Record) -> Iterator[tuple[str, str]]:
    """Source and name of a picture, as any list may hold them."""
    sources = (record.source, str(spreadsheet_safe(record.source)), "")
    return product(sources, (record.name, str(spreadsheet_safe(record.name))))


def read_drop_list(path: Path) -> DropList:
    """Read a CSV with the columns ``file`` and ``drop`` and, if there are several, ``source``.

    ``drop`` is ``yes`` for pictures to leave out, and ``no`` or empty for others. Spreadsheets may
    have saved the list with semicolons or tabs, or in UTF-16.

    Raises:
        UsageError: there is no such file.
        DataError: not CSV, a column is missing, or another word in ``drop``.
    """
    if not path.is_file():
        raise UsageError(f"`drop` {path}: no such file; audit-labels writes one")
    pictures: dict[tuple[str, str], int] = {}
    for number, cells in _lines(path):
        word = cells["drop"].strip().lower()
        if word not in _YES | _NO:
            raise DataError(
                f"{path}: line {number}: the column drop holds {shown(cells['drop'])}; write yes, "
                "no or nothing"
            )
        if word in _YES:
            pictures.setdefault((cells.get("source", ""), cells["file"]), number)
    return DropList(path, pictures)


def has_marks(path: Path) -> bool:
    """Whether a person has written something into the column ``drop`` of a list.

    Raises:
        DataError: as for ``read_drop_list``.
    """
    return any(cells["drop"].strip() for _, cells in _lines(path))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        _, text = next(decodings(path.read_bytes()))
        titles, rows = delimited_rows(text, _TITLES)
        for title in _TITLES:
            if title not in titles:
                raise DataError(f"{path}: lacks the column {title}; it needs {','.join(_TITLES)}")
        yield from rows
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file ({error})") from error
