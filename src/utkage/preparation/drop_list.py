"""The list of pictures to leave out, as ``audit-labels`` writes it and a person completes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import DataError, UsageError
from utkage.core.reporter import Reporter
from utkage.core.text import counted
from utkage.data.csv_file import read_csv
from utkage.data.label_files.row import shown
from utkage.data.records import Record

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
        return any((source, record.name) in self.pictures for source in (record.source, ""))

    def report_unknown(self, records: Iterable[Record], reporter: Reporter) -> None:
        """Warn about names that no picture has: a misspelt one would stay in the set."""
        known = {key for each in records for key in ((each.source, each.name), ("", each.name))}
        unknown = [(line, name) for (_, name), line in self._unknown(known)]
        if unknown:
            line, name = unknown[0]
            reporter.warn(
                f"{self.path}: {counted(len(unknown), 'picture')} to drop not found (first: line "
                f"{line}, {name}); names must be as in the manifest of the set"
            )

    def _unknown(self, known: set[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
        return [(key, line) for key, line in self.pictures.items() if key not in known]


def read_drop_list(path: Path) -> DropList:
    """Read a CSV with the columns ``file`` and ``drop`` and, if there are several, ``source``.

    ``drop`` is ``yes`` for pictures to leave out, and ``no`` or empty for others.

    Raises:
        UsageError: there is no such file.
        DataError: not CSV in UTF-8, a column is missing, or another word in ``drop``.
    """
    if not path.is_file():
        raise UsageError(f"`drop` {path}: no such file; audit-labels writes one")
    pictures: dict[tuple[str, str], int] = {}
    for number, cells in read_csv(path, ("file", "drop")):
        word = cells["drop"].strip().lower()
        if word not in _YES | _NO:
            raise DataError(
                f"{path}: line {number}: `drop` is {shown(cells['drop'])}; write yes, no or nothing"
            )
        if word in _YES:
            pictures.setdefault((cells.get("source", ""), cells["file"]), number)
    return DropList(path, pictures)
