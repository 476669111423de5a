"""``Rows``: rows of ``predict`` in memory, to index, filter, print as a table and save."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, overload

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, UsageError
from utkage.core.text import counted, probability_text
from utkage.prediction.predictions import Floats
from utkage.prediction.row_files import csv_rows, json_rows, rows_file, write_rows
from utkage.prediction.rows import AnyRow, FaceRow, Row
from utkage.reporting.table import Cell, Table, plain_table

# Lines of a table in a Python prompt.
_SHOWN_ROWS = 20


class Rows(Sequence[AnyRow], Generic[AnyRow]):
    """A sequence of rows of one class, such as ``FaceRow``; selections of it are ``Rows`` again.

    Raises:
        ConfigError: rows of several classes.

    >>> rows = Rows([
    ...     FaceRow("a.jpg", "ok", face=1, age=31.0, age_low=25.0, age_high=38.0, range="26-35",
    ...             range_probability=0.6, gender="female", p_female=0.95, interval_level=0.8),
    ...     FaceRow("b.jpg", "no_face", faces=0),
    ... ])
    >>> len(rows), rows[0].age, len(rows[rows.ages > 18]), len(rows[:1])
    (2, 31.0, 1, 1)
    >>> print(rows.where(lambda row: row.gender == "female"))
    file   face  age  80% interval        range  gender
    a.jpg     1   31       25 - 38  26-35 (60%)  female (95.0%)
    """

    def __init__(self, rows: Iterable[AnyRow] = ()) -> None:
        self._rows = tuple(rows)
        if len(set(map(type, self._rows))) > 1:
            raise ConfigError(
                "rows of pictures and of videos have different columns; make one Rows of each class"
            )

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[AnyRow]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> AnyRow: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Rows[AnyRow]: ...
    def __getitem__(
        self, index: int | slice | Sequence[int] | NDArray[Any]
    ) -> AnyRow | Rows[AnyRow]:
        """One row for an integer; ``Rows`` for a slice, for indices, or for a mask of booleans."""
        if isinstance(index, (int, np.integer)):
            return self._rows[index]
        return Rows(self._rows[at] for at in np.arange(len(self))[index])

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Rows) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The number of rows and files, and a table of the first rows."""
        files = len({row.file for row in self})
        head = f"{counted(len(self), 'row')} of {counted(files, 'file')}"
        if not self:
            return f"<{head}>"
        left = len(self) - _SHOWN_ROWS
        more = [f"... and {left} more"] if left > 0 else []
        return "\n".join([f"<{head}>", plain_table(row_table(self._rows[:_SHOWN_ROWS])), *more])

    def _repr_html_(self) -> str:
        """The rows in a notebook: the pictures with boxes, and a table."""
        from utkage.prediction.notebook import MOST_ROWS, rows_html

        return rows_html(self._rows, row_table(self._rows[:MOST_ROWS]))

    def __str__(self) -> str:
        return plain_table(row_table(self._rows))

    def where(self, keep: Callable[[AnyRow], object]) -> Rows[AnyRow]:
        """The rows for which ``keep`` is true."""
        return Rows(row for row in self if keep(row))

    @property
    def found(self) -> Rows[AnyRow]:
        """The rows with a face."""
        return self.where(lambda row: row.status == "ok")

    @property
    def failed(self) -> Rows[AnyRow]:
        """The rows of files that could not be read; ``reason`` contains the cause."""
        return self.where(lambda row: row.status == "failed")

    @property
    def ages(self) -> Floats:
        """Ages in years, (n,); NaN without a face."""
        return self._numbers("age")

    @property
    def p_female(self) -> Floats:
        """Probabilities of female, (n,); NaN without a face."""
        return self._numbers("p_female")

    @property
    def boxes(self) -> Floats:
        """x0, y0, x1, y1 in pixels, (n, 4); NaN without a face."""
        missing = (np.nan,) * 4
        return np.array([row.box or missing for row in self], np.float64).reshape(-1, 4)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values, as ``predict --json`` prints them."""
        return [row.to_dict() for row in self]

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``: a line per row, the columns of CSV; NaN or None where missing.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as error:
            raise UsageError("to_pandas() needs pandas; run: pip install pandas") from error
        return pandas.DataFrame([row.to_cells() for row in self], columns=self._kind.column_names())

    def to_json(self) -> str:
        """The text that ``predict --json`` prints."""
        text = io.StringIO()
        with json_rows(text) as write:
            write_rows(self, write)
        return text.getvalue()

    def to_csv(self, *, safe: bool = False) -> str:
        """The text that ``predict --csv`` prints; with ``safe``, as with ``--csv-safe``."""
        text = io.StringIO()
        write_rows(self, csv_rows(text, self._kind, safe=safe))
        return text.getvalue()

    def save(self, path: str | Path) -> None:
        """Write a file that ends in .jsonl, .json, .csv or .parquet, as ``predict --out`` does.

        Raises:
            UsageError: another ending, or JSON lines that exist already.
        """
        with rows_file(Path(path), self._kind) as write:
            write_rows(self, write)

    @property
    def _kind(self) -> type[Row]:
        return type(self._rows[0]) if self._rows else FaceRow

    def _numbers(self, name: str) -> Floats:
        # None becomes NaN.
        return np.array([getattr(row, name) for row in self], np.float64)


def row_table(rows: Sequence[Row]) -> Table:
    """One line per row of one class and ``RowOptions``; columns that would be empty are omitted."""
    level = next((row.interval_level for row in rows if row.interval_level is not None), None)
    threshold = next((row.threshold for row in rows if row.threshold is not None), None)
    flagged = any(row.flags for row in rows)
    places = rows[0].PLACE_HEADINGS if rows else ()
    interval = "interval" if level is None else f"{level:.0%} interval"
    headings = ["file", *places, "age", interval, "range"]
    headings += [] if threshold is None else [f"P(age >= {threshold})"]
    has_reasons = any(row.age is None for row in rows)
    headings.append("gender")
    if flagged or has_reasons:
        headings.append("note" if has_reasons else "weak because")
    lines: list[list[Cell | str]] = []
    for row in rows:
        predicted = _prediction_cells(row)
        file = Cell(row.file, is_path=True)
        note = ", ".join(row.flags or ()).replace("_", " ")
        if predicted:
            notes = [note] if flagged or has_reasons else []
            lines.append([file, *row.place_cells, *predicted, *notes])
        else:
            # The file stands in the first column already.
            reason = (row.reason or "no face found").removeprefix(f"{row.file}: ")
            lines.append([file, *["-"] * (len(headings) - 2), reason])
    return Table.of("", headings, lines)


def _prediction_cells(row: Row) -> list[Cell | str]:
    if row.age is None or row.p_female is None:
        return []
    cells: list[Cell | str] = [
        Cell(f"{row.age:.1f}".removesuffix(".0"), row.age),
        Cell(f"{row.age_low:.0f} - {row.age_high:.0f}", row.age_low),
        Cell(f"{row.range} ({_percent(row.range_probability)})", row.range_probability),
    ]
    if row.p_at_least is not None:
        cells.append(Cell(probability_text(row.p_at_least, 1), row.p_at_least))
    return [*cells, f"{row.gender} ({probability_text(max(row.p_female, 1 - row.p_female), 1)})"]


def _percent(probability: float | None) -> str:
    return "-" if probability is None else probability_text(probability)
