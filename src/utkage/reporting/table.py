"""``Table``: one value for every table, and its Markdown and plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from utkage.core.text import printable


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    ``value`` is the number that the text displays, for sorting. Outliers are ``emphasised``. Text
    that ``has_lines`` is several lines; elsewhere, a line feed is part of a name. Text that
    ``is_path`` is shortened at its start where there is no room for it.
    """

    text: str
    value: float | None = None
    emphasised: bool = False
    has_lines: bool = False
    is_path: bool = False


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
        title: Title; may be empty.
        columns: Headings; each row has as many cells.
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


def markdown_table(table: Table) -> str:
    """A table as GitHub-flavoured Markdown, without its title and note."""
    lines = [_line(table.columns), "|" + "---|" * len(table.columns)]
    lines += [_line([cell.text for cell in row]) for row in table.rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def plain_table(table: Table) -> str:
    """Columns of equal width, two spaces apart; columns with values are aligned to the right.

    >>> print(plain_table(Table.of("", ("split", "faces"), [("val", "2329")])))
    split  faces
    val    2329
    """
    columns = []
    for index, heading in enumerate(table.columns):
        cells = [row[index] for row in table.rows]
        texts = [heading, *(printable(cell.text) for cell in cells)]
        width = max(map(len, texts))
        right = any(cell.value is not None for cell in cells)
        columns.append([text.rjust(width) if right else text.ljust(width) for text in texts])
    lines = ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]
    return "\n".join([*([table.title] if table.title else []), *lines, *filter(None, [table.note])])
