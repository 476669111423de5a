"""Tables of predictions: of other programs, of ``predict`` and of ``evaluate``."""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError, LabelError
from utkage.core.json_text import parse_json
from utkage.data.label_files.genders import GenderColumn, understand_column
from utkage.data.label_files.text import decodings
from utkage.evaluation.prediction_columns import PredictionColumns, find_prediction_columns
from utkage.images.containers.container import clean_path, file_name

TABLE_SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
"""Suffixes, lower case, of the files that hold tables of predictions."""
MAX_PREDICTED_AGE = 150
# Digits of the number of a face.
_MOST_DIGITS = 9

# A row, and its place in the file for messages.
_PlacedRow = tuple[str, Mapping[str, Any]]
# Age in years and P(female); NaN where the table has none.
_Prediction = tuple[float, float]
_UNKNOWN = float("nan")
# Words for a gender that was not predicted; "uncertain" is that of `predict`.
_NO_GENDER = ("", "uncertain", "unknown", "none", "nan", "-")


@dataclass(frozen=True, kw_only=True)
class PredictionTable:
    """Predictions by file name.

    Attributes:
        predictions: Age in years and P(female) by file name; NaN where the table has none.
        gender_is_hard: Whether the table holds genders as words, so that P(female) is 0 or 1.
        negative_ages: Number of ages below 0, which were set to 0.
    """

    predictions: Mapping[str, _Prediction]
    gender_is_hard: bool = False
    negative_ages: int = 0


def is_table(path: Path) -> bool:
    """Whether a path has the suffix of a table of predictions."""
    return path.suffix.lower() in TABLE_SUFFIXES


def read_table(path: Path) -> PredictionTable:
    """Read a table of names, ages (years) and P(female) (0..1), or of one of the two.

    In rows of ``predict``, files without a face and files that failed have no prediction, and the
    first face of a file, the largest, counts. ``find_prediction_columns`` says which columns hold
    predictions.

    Raises:
        DataError: a column is missing or not clear, a value is not a number in range, or a file is
            repeated.
    """
    titles, rows = _READERS[path.suffix.lower()](path)
    columns = find_prediction_columns(titles, str(path))
    genders = _gender_words(columns, rows)
    found: dict[str, _Prediction] = {}
    faces: dict[str, int] = {}
    negative = 0
    for place, row in rows:
        where = f"{path}, {place}"
        if row.get("status") in ("no_face", "failed"):
            continue
        name, face = _text(row.get(columns.file)), _face(row)
        age = _number(row, columns.age, -MAX_PREDICTED_AGE, MAX_PREDICTED_AGE, where)
        female = _number(row, columns.p_female, 0, 1, where)
        if genders is not None:
            female = _gender(row, columns.gender, genders, where)
        if math.isnan(age) and math.isnan(female):
            continue
        if name in found and (face == 0 or face == faces[name]):
            raise DataError(f"{where}: {name} is repeated")
        if name in found and face > faces[name]:
            continue
        # Networks that regress ages can give negative ones.
        negative += age < 0
        found[name] = (max(age, 0.0) if age == age else age, female)
        faces[name] = face
    return PredictionTable(
        predictions=found, gender_is_hard=genders is not None, negative_ages=negative
    )


def _gender_words(columns: PredictionColumns, rows: Iterable[_PlacedRow]) -> GenderColumn | None:
    """How the words for genders are read; None if the table has none."""
    if columns.gender is None:
        return None
    texts = (_text(row.get(columns.gender)) for _, row in rows)
    return understand_column(texts, columns.gender, None)


def _gender(row: Mapping[str, Any], title: str | None, genders: GenderColumn, where: str) -> float:
    text = _text(row.get(title or ""))
    if text.strip().lower() in _NO_GENDER:
        return _UNKNOWN
    try:
        return float(genders.parse(text))
    except LabelError as error:
        raise DataError(f"{where}: {error}") from error


class TableIndex:
    """Predictions by the names of labelled faces, whatever folders both begin with."""

    def __init__(self, table: PredictionTable) -> None:
        found = table.predictions.items()
        self._by_path = {_key(name): prediction for name, prediction in found}
        self._by_end: dict[str, _Prediction | None] = {}
        for path, prediction in self._by_path.items():
            parts = path.split("/")
            for start in range(1, len(parts)):
                end = "/".join(parts[start:])
                # An end that two paths share identifies neither.
                self._by_end[end] = None if end in self._by_end else prediction

    def find(self, source: str, name: str) -> _Prediction | None:
        """Age and P(female) of a face of a source; None if the table does not have it."""
        whole, path = _key(f"{source}/{name}"), _key(name)
        for key in (whole, path):
            found = self._by_path.get(key) or self._by_end.get(key)
            if found is not None:
                return found
        return self._by_path.get(file_name(path))


_Rows = tuple[list[str], list[_PlacedRow]]


def _csv_rows(path: Path) -> _Rows:
    try:
        _, text = next(decodings(path.read_bytes()))
        table = csv.DictReader(io.StringIO(text, newline=""))
        return list(table.fieldnames or ()), [(f"line {table.line_num}", line) for line in table]
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file ({error})") from error


def _json_rows(path: Path) -> _Rows:
    _, text = next(decodings(path.read_bytes()))
    try:
        if path.suffix.lower() == ".jsonl":
            # splitlines would also split at characters that JSON allows inside strings.
            lines = [line for line in text.split("\n") if line.strip()]
            rows = [parse_json(line, surrogates=True) for line in lines]
        else:
            rows = parse_json(text, longest=len(text), surrogates=True)
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: not a list of rows; use the rows of 'utkage predict --json'")
    return _numbered(rows)


def _parquet_rows(path: Path) -> _Rows:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        advice = "run: pip install 'utkage[parquet]'"
        raise DataError(f"{path}: Parquet needs one more package; {advice}") from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a Parquet file that can be read") from error
    return _numbered(rows)


def _numbered(rows: list[dict[str, Any]]) -> _Rows:
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return titles, [(f"row {number}", row) for number, row in enumerate(rows, 1)]


_READERS = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _json_rows,
    ".parquet": _parquet_rows,
}


def _face(row: Mapping[str, Any]) -> int:
    """The number of the face in its file; 0 in tables that have one row per file."""
    text = _text(row.get("face"))
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", clean_path(name.replace("\\", "/")))


def _number(
    row: Mapping[str, Any], title: str | None, low: float, high: float, where: str
) -> float:
    """The number in a cell; NaN without such a column, or if the cell is empty."""
    text = "" if title is None else _text(row.get(title))
    if not text.strip():
        return _UNKNOWN
    try:
        number = float(text)
    except ValueError:
        number = _UNKNOWN
    if not low <= number <= high:
        raise DataError(f"{where}: {text!r} is not a number from {max(low, 0):g} to {high:g}")
    return number
