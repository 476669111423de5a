"""The rows of tables of predictions: CSV, JSON, JSON lines and Parquet, read a part at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from utkage.core.errors import DataError
from utkage.core.json_text import parse_json
from utkage.data.label_files.delimited import delimited_rows
from utkage.data.label_files.text import decodings
from utkage.evaluation.inputs.prediction_columns import TITLES

TABLE_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
"""Suffixes, lower case, of the files that hold tables of predictions."""
# Rows of Parquet in memory at once.
_BATCH_ROWS = 16_384

PlacedRow = tuple[str, Mapping[str, Any]]
"""The place of a row in its file, for messages, and its cells by title."""


class TableRows(Protocol):
    """The rows of one file."""

    @property
    def titles(self) -> Sequence[str]:
        """The titles of all columns."""

    def rows(self, titles: Sequence[str]) -> Iterator[PlacedRow]:
        """Yield every row; the cells of the columns ``titles`` suffice.

        Raises:
            DataError: the file is damaged.
        """


def open_rows(path: Path) -> TableRows:
    """Open a table by its suffix, one of ``TABLE_SUFFIXES``.

    Raises:
        DataError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _ParquetRows(path)
    return _CsvRows(path) if suffix == ".csv" else _JsonRows(path)


class _CsvRows:
    def __init__(self, path: Path) -> None:
        self._path = path
        _, self._text = next(decodings(path.read_bytes()))
        with self._naming_errors():
            self.titles, _ = delimited_rows(self._text, TITLES)

    def rows(self, titles: Sequence[str]) -> Iterator[PlacedRow]:
        with self._naming_errors():
            for number, line in delimited_rows(self._text, TITLES)[1]:
                yield f"line {number}", line

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise DataError(f"{self._path}: not a CSV file ({error})") from error


class _JsonRows:
    def __init__(self, path: Path) -> None:
        _, text = next(decodings(path.read_bytes()))
        where = str(path)
        try:
            if path.suffix.lower() == ".jsonl":
                rows = []
                # splitlines would also split at characters that JSON allows inside strings.
                for number, line in enumerate(text.split("\n"), 1):
                    where = f"{path}, line {number}"
                    if line.strip():
                        rows.append(parse_json(line, surrogates=True))
            else:
                rows = parse_json(text, longest=len(text), surrogates=True)
        except ValueError as error:
            raise DataError(f"{where}: not JSON ({error})") from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise DataError(f"{path}: not a list of rows; use the rows of 'utkage predict --json'")
        self._rows: list[dict[str, Any]] = rows
        self.titles = list(dict.fromkeys(title for row in rows for title in row))

    def rows(self, titles: Sequence[str]) -> Iterator[PlacedRow]:
        yield from _numbered(self._rows, 1)


class _ParquetRows:
    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            advice = "run: pip install 'utkage[parquet]'"
            raise DataError(f"{path}: Parquet needs one more package; {advice}") from error
        self._path = path
        with self._naming_errors(), parquet.ParquetFile(path) as file:
            self.titles = list(file.schema_arrow.names)

    def rows(self, titles: Sequence[str]) -> Iterator[PlacedRow]:
        from pyarrow import parquet

        number = 1
        # With ``pre_buffer``, the whole file would be read ahead.
        opened = partial(parquet.ParquetFile, self._path, pre_buffer=False)
        with self._naming_errors(), opened() as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(titles)):
                yield from _numbered(batch.to_pylist(), number)
                number += len(batch)

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        from pyarrow import ArrowException

        try:
            yield
        except (ArrowException, OSError, ValueError) as error:
            raise DataError(f"{self._path}: not a Parquet file that can be read") from error


def _numbered(rows: Sequence[Mapping[str, Any]], first: int) -> Iterator[PlacedRow]:
    for number, row in enumerate(rows, first):
        yield f"row {number}", row
