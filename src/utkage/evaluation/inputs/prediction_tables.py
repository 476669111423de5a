"""Tables of predictions: of other programs, of ``predict`` and of ``evaluate``."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError, LabelError
from utkage.data.label_files.genders import GenderColumn, understand_column
from utkage.evaluation.inputs.prediction_columns import PredictionColumns, find_prediction_columns
from utkage.evaluation.inputs.table_rows import TABLE_SUFFIXES, TableRows, open_rows
from utkage.images.containers.container import clean_path, file_name

MAX_PREDICTED_AGE = 150
# Digits of the number of a face.
_MOST_DIGITS = 9

# Age in years, P(female) and P(age >= T); NaN where the table has none.
_Prediction = tuple[float, ...]
_UNKNOWN = float("nan")
# Words for a gender that was not predicted; "uncertain" is that of `predict`.
_NO_GENDER = ("", "uncertain", "unknown", "none", "nan", "-")


@dataclass(frozen=True, kw_only=True)
class PredictionTable:
    """Predictions by file name.

    Attributes:
        predictions: Age in years, P(female) and, with a ``threshold``, P(age >= T) by file name;
            NaN where the table has none.
        gender_is_hard: Whether the table holds genders as words, so that P(female) is 0 or 1.
        negative_ages: Number of ages below 0, which were set to 0.
        threshold: T, whole years; None if the table has none, or not the same in all rows.
    """

    predictions: Mapping[str, _Prediction]
    gender_is_hard: bool = False
    negative_ages: int = 0
    threshold: int | None = None


def is_table(path: Path) -> bool:
    """Whether a path has the suffix of a table of predictions."""
    return path.suffix.lower() in TABLE_SUFFIXES


def read_table(path: Path, wanted: Container[str] | None = None) -> PredictionTable:
    """Read a table of names, ages (years) and P(female) (0..1), or of one of the two.

    P(age >= T) is read beside them where the table has it, with T, as in rows of ``predict``.

    In rows of ``predict``, files without a face and files that failed have no prediction, and the
    first face of a file, the largest, counts. ``find_prediction_columns`` says which columns hold
    predictions.

    Only the predictions of ``wanted`` names are kept, so that memory does not grow with a table of
    Parquet, however many other rows it has; None keeps all. All rows are checked.

    Raises:
        DataError: a column is missing or not clear, a value is not a number in range, or a file
            that is wanted is repeated.
    """
    table = open_rows(path)
    columns = find_prediction_columns(table.titles, str(path))
    genders = _gender_words(columns, table)
    found: dict[str, _Prediction] = {}
    faces: dict[str, int] = {}
    negative = 0
    thresholds: set[float] = set()
    for place, row in table.rows(_needed(columns, table)):
        where = f"{path}, {place}"
        if row.get("status") in ("no_face", "failed"):
            continue
        name, face = _text(row.get(columns.file)), _face(row)
        age = _number(row, columns.age, -MAX_PREDICTED_AGE, MAX_PREDICTED_AGE, where)
        female = _number(row, columns.p_female, 0, 1, where)
        if genders is not None:
            female = _gender(row, columns.gender, genders, where)
        at_least = _number(row, columns.p_at_least, 0, 1, where)
        threshold = _number(row, columns.threshold, 0, MAX_PREDICTED_AGE, where)
        if math.isnan(age) and math.isnan(female):
            continue
        if not math.isnan(at_least):
            thresholds.add(threshold)
        if wanted is not None and name not in wanted:
            continue
        if name in found and (face == 0 or face == faces[name]):
            raise DataError(f"{where}: {name} is repeated")
        if name in found and face > faces[name]:
            continue
        # Networks that regress ages can give negative ones.
        negative += age < 0
        found[name] = (max(age, 0.0) if age == age else age, female, at_least)
        faces[name] = face
    common = thresholds.pop() if len(thresholds) == 1 else _UNKNOWN
    if not common.is_integer():
        found = {name: prediction[:2] for name, prediction in found.items()}
    return PredictionTable(
        predictions=found,
        gender_is_hard=genders is not None,
        negative_ages=negative,
        threshold=int(common) if common.is_integer() else None,
    )


def _needed(columns: PredictionColumns, table: TableRows) -> list[str]:
    named = (
        *(columns.file, columns.age, columns.p_female, columns.gender, "status", "face"),
        *(columns.p_at_least, columns.threshold),
    )
    return [title for title in named if title is not None and title in table.titles]


def _gender_words(columns: PredictionColumns, table: TableRows) -> GenderColumn | None:
    """How the words for genders are read; None if the table has none."""
    if columns.gender is None:
        return None
    texts = (_text(row.get(columns.gender)) for _, row in table.rows([columns.gender]))
    return understand_column(texts, columns.gender, None)


def _gender(row: Mapping[str, Any], title: str | None, genders: GenderColumn, where: str) -> float:
    text = _text(row.get(title or ""))
    if text.strip().lower() in _NO_GENDER:
        return _UNKNOWN
    try:
        return float(genders.parse(text))
    except LabelError as error:
        raise DataError(f"{where}: {error}") from error


class WantedNames:
    """The names in a table that ``TableIndex`` may look at for some labelled faces."""

    def __init__(self, faces: Iterable[tuple[str, str]]) -> None:
        """``faces`` are source and name of each face."""
        self._ends: set[str] = set()
        self._file_names: set[str] = set()
        for source, name in faces:
            path = _key(name)
            self._ends.update((_key(f"{source}/{name}"), path))
            self._file_names.add(file_name(path))

    def __contains__(self, name: object) -> bool:
        path = _key(str(name))
        return path in self._file_names or any(map(self.has_end, _ends(path)))

    def has_end(self, end: str) -> bool:
        """Whether a face may be looked for by this end of a path."""
        return end in self._ends


class TableIndex:
    """Predictions by the names of labelled faces, whatever folders both begin with."""

    def __init__(self, table: PredictionTable, wanted: WantedNames | None = None) -> None:
        """Without ``wanted``, any face can be found, which needs more memory."""
        found = table.predictions.items()
        self._by_path = {_key(name): prediction for name, prediction in found}
        self._by_end: dict[str, _Prediction | None] = {}
        for path, prediction in self._by_path.items():
            for end in islice(_ends(path), 1, None):
                if wanted is not None and not wanted.has_end(end):
                    continue
                # An end that two paths share identifies neither.
                self._by_end[end] = None if end in self._by_end else prediction

    def find(self, source: str, name: str) -> _Prediction | None:
        """The prediction for a face of a source; None if the table does not have it."""
        return self.match(source, name)[1]

    def match(self, source: str, name: str) -> tuple[int, _Prediction | None]:
        """How well a row fits a face of a source, the lower the better, and its prediction.

        0: source and name agree; 1: only the name does; 2: only its last part, the name of the
        file.
        """
        path = _key(name)
        for place, key in enumerate((_key(f"{source}/{name}"), path)):
            found = self._by_path.get(key) or self._by_end.get(key)
            if found is not None:
                return place, found
        return 2, self._by_path.get(file_name(path))


def _face(row: Mapping[str, Any]) -> int:
    """The number of the face in its file; 0 in tables that have one row per file."""
    text = _text(row.get("face"))
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", clean_path(name.replace("\\", "/")))


def _ends(path: str) -> Iterator[str]:
    """A path, and what is left of it without its first folders."""
    yield path
    start = path.find("/")
    while start >= 0:
        yield path[start + 1 :]
        start = path.find("/", start + 1)


def _number(
    row: Mapping[str, Any], title: str | None, low: float, high: float, where: str
) -> float:
    """The number in a cell; NaN without such a column, or if the cell is empty."""
    text = "" if title is None else _text(row.get(title))
    if not text.strip():
        return _UNKNOWN
    try:
        # Many countries write 34,5, and no number here has thousands. Python takes 1_0 for 10.
        number = float(text.replace(",", ".")) if "_" not in text else _UNKNOWN
    except ValueError:
        number = _UNKNOWN
    if not low <= number <= high:
        raise DataError(
            f"{where}: {text!r} is not a number from {max(low, 0):g} to {high:g}; leave the cell "
            "empty where there is no prediction"
        )
    return number
