"""Rows of ``predict`` as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utkage.workflows.face_rows import FaceRow, RowOptions


def print_face_table(rows: list[FaceRow], options: RowOptions) -> None:
    """Print one line a face on stdout; columns that say nothing are left out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    weak = any(row.flags for row in rows)
    table = Table()
    table.add_column("file", overflow="fold")
    heads = ["face", "age", f"{options.interval:.0%} interval", "range"]
    heads += [] if options.threshold is None else [f"P(age >= {options.threshold})"]
    for head in heads:
        table.add_column(head, justify="right", overflow="fold")
    table.add_column("gender", overflow="fold")
    if weak:
        table.add_column("weak because", overflow="fold")
    for row in rows:
        cells = _answer(row, options)
        if cells is None:
            words = "no face found" if row.reason is None else row.reason
            table.add_row(Text(row.file), *["-"] * len(heads), Text(words))
        else:
            cells += [", ".join(row.flags or ()).replace("_", " ")] if weak else []
            table.add_row(Text(row.file), *cells)
    Console().print(table)


def _answer(row: FaceRow, options: RowOptions) -> list[str] | None:
    if row.age is None or row.certainty is None:
        return None
    cells = [
        str(row.face),
        f"{row.age:.1f}".removesuffix(".0"),
        f"{row.age_low:.0f} - {row.age_high:.0f}",
        f"{row.range} ({row.range_probability:.0%})",
    ]
    if options.threshold is not None:
        cells.append(f"{row.p_at_least:.1%}")
    cells.append(f"{row.gender} ({row.certainty:.1%})")
    return cells
