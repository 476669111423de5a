"""``Table``: one value for every table, rendered by rich, HTML and Markdown alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: Displayed text.
        value: Number that the text displays, for sorting; None for plain text.
        emphasised: Whether to highlight the cell, such as an outlier.
    """

    text: str
    value: float | None = None
    emphasised: bool = False


# The cells of a row; plain text becomes a ``Cell``.
Row = Sequence[Cell | str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: a title, column headings and rows of cells.

    Example:
        >>> table = Table.of("errors", ("split", "MAE"), [("val", Cell("4.31", 4.31))])
        >>> table.rows[0][1].value
        4.31

    Attributes:
        title: Title of the table; may be empty.
        columns: One heading per column.
        rows: Cells by row; each row is as long as ``columns``.
        muted: Indices of rows that a reader should not rely on, such as those of small groups.
        note: A sentence below the table; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    muted: frozenset[int] = frozenset()
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r}: {len(row)} cells in a row, {len(self.columns)} columns"
                )

    @classmethod
    def of(
        cls,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Row],
        *,
        muted: Iterable[int] = (),
        note: str = "",
    ) -> Table:
        """Build a table whose plain cells are given as text."""
        cells = tuple(
            tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
        )
        return cls(
            title=title, columns=tuple(columns), rows=cells, muted=frozenset(muted), note=note
        )
