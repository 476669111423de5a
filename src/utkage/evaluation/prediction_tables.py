"""Tables of predictions: of other programs, of ``predict`` and of ``evaluate``."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError
from utkage.data.label_files.text import decodings
from utkage.data.sources.container import clean_path, file_name

COLUMNS = ("file", "age", "p_female")
TABLE_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
"""Suffixes, lower case, of the files that hold tables of predictions."""

PredictionTable = Mapping[str, tuple[float, float]]
"""Age in years and P(female) by file name."""

# A row, and its place in the file for messages.
_PlacedRow = tuple[str, Mapping[str, Any]]
# In predictions.csv of `evaluate`, "age" is the label.
_PREDICTED_AGE = "predicted_age"


def is_table(path: Path) -> bool:
    """Whether a path has the suffix of a table of predictions."""
    return path.suffix.lower() in TABLE_SUFFIXES


def read_table(path: Path) -> PredictionTable:
    """Read a table with the columns file, age (years) and p_female (0..1).

    In rows of ``predict``, files without a face and files that failed have no prediction, and the
    first face of a file, the largest, counts.

    Raises:
        DataError: a column is missing, a value is not a number in range, or a file is repeated.
    """
    found: dict[str, tuple[float, float]] = {}
    faces: dict[str, int] = {}
    for place, row in _READERS[path.suffix.lower()](path):
        where = f"{path}, {place}"
        if row.get("status") in ("no_face", "failed"):
            continue
        age_column = _PREDICTED_AGE if _PREDICTED_AGE in row else "age"
        name, age, female = (row.get(key) for key in ("file", age_column, "p_female"))
        name, face = _text(name), _face(row)
        if name in found and (face == 0 or face == faces[name]):
            raise DataError(f"{where}: {name} is repeated")
        if name in found and face > faces[name]:
            continue
        found[name] = (_number(age, 0, 150, where), _number(female, 0, 1, where))
        faces[name] = face
    return found


class TableIndex:
    """Predictions by the names of labelled faces, whatever folders both begin with."""

    def __init__(self, table: PredictionTable) -> None:
        self._by_path = {_key(name): prediction for name, prediction in table.items()}
        self._by_end: dict[str, tuple[float, float] | None] = {}
        for path, prediction in self._by_path.items():
            parts = path.split("/")
            for start in range(1, len(parts)):
                end = "/".join(parts[start:])
                # An end that two paths share identifies neither.
                self._by_end[end] = None if end in self._by_end else prediction

    def find(self, source: str, name: str) -> tuple[float, float] | None:
        """Age and P(female) of a face of a source; None if the table does not have it."""
        whole, path = _key(f"{source}/{name}"), _key(name)
        for key in (whole, path):
            found = self._by_path.get(key) or self._by_end.get(key)
            if found is not None:
                return found
        return self._by_path.get(file_name(path))


def _csv_rows(path: Path) -> Iterator[_PlacedRow]:
    try:
        _, text = next(decodings(path.read_bytes()))
        table = csv.DictReader(io.StringIO(text, newline=""))
        _require_columns(path, table.fieldnames or ())
        for line in table:
            yield f"line {table.line_num}", line
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file ({error})") from error


def _json_rows(path: Path) -> Iterator[_PlacedRow]:
    _, text = next(decodings(path.read_bytes()))
    try:
        if path.suffix.lower() == ".jsonl":
            lines = [line for line in text.splitlines() if line.strip()]
            rows = [json.loads(line) for line in lines]
        else:
            rows = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: not a list of rows; use the rows of 'utkage predict --json'")
    return _numbered(path, rows)


def _parquet_rows(path: Path) -> Iterator[_PlacedRow]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        advice = "run: pip install 'utkage[parquet]'"
        raise DataError(f"{path}: Parquet needs one more package; {advice}") from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file that can be read") from error
    return _numbered(path, rows)


def _numbered(path: Path, rows: list[dict[str, Any]]) -> Iterator[_PlacedRow]:
    for number, row in enumerate(rows, 1):
        if number == 1:
            _require_columns(path, row)
        yield f"row {number}", row


_READERS = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _json_rows,
    ".parquet": _parquet_rows,
}


def _require_columns(path: Path, columns: Iterable[str]) -> None:
    present = set(columns)
    missing = [name for name in COLUMNS if name not in present]
    if missing:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; the table needs file,age,p_female"
        )
    if "track" in present:
        raise DataError(f"{path}: has rows of videos; evaluate rows of pictures")


def _face(row: Mapping[str, Any]) -> int:
    """The number of the face in its file; 0 in tables that have one row per file."""
    text = _text(row.get("face"))
    return int(text) if text.isdecimal() else 0


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", clean_path(name.replace("\\", "/")))


def _number(value: Any, low: float, high: float, where: str) -> float:
    text = _text(value)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise DataError(f"{where}: {text!r} is not a number from {low} to {high}")
    return number
