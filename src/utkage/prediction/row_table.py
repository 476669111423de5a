"""Rows of ``predict`` as a readable table."""

from __future__ import annotations

from collections.abc import Sequence

from utkage.prediction.rows import Row
from utkage.reporting.table import Cell, Table


def row_table(rows: Sequence[Row]) -> Table:
    """One line per row; columns that would be empty are left out.

    Args:
        rows: Rows of one class and of one ``RowOptions``.
    """
    level = next((row.interval_level for row in rows if row.interval_level is not None), None)
    threshold = next((row.threshold for row in rows if row.threshold is not None), None)
    flagged = any(row.flags for row in rows)
    places = rows[0].PLACE_HEADINGS if rows else ()
    interval = "interval" if level is None else f"{level:.0%} interval"
    headings = ["file", *places, "age", interval, "range"]
    headings += [] if threshold is None else [f"P(age >= {threshold})"]
    headings += ["gender", *(["weak because"] if flagged else [])]
    lines: list[list[Cell | str]] = []
    for row in rows:
        predicted = _prediction_cells(row)
        if predicted:
            flags = [", ".join(row.flags or ()).replace("_", " ")] if flagged else []
            lines.append([row.file, *row.place_cells, *predicted, *flags])
        else:
            message = row.reason or "no face found"
            dashes = ["-"] * (len(headings) - 2 - flagged)
            lines.append([row.file, *dashes, message, *([""] if flagged else [])])
    return Table.of("", headings, lines)


def _prediction_cells(row: Row) -> list[Cell | str]:
    if row.age is None or row.p_female is None:
        return []
    cells: list[Cell | str] = [
        Cell(f"{row.age:.1f}".removesuffix(".0"), row.age),
        Cell(f"{row.age_low:.0f} - {row.age_high:.0f}", row.age_low),
        Cell(f"{row.range} ({row.range_probability:.0%})", row.range_probability),
    ]
    if row.p_at_least is not None:
        cells.append(Cell(f"{row.p_at_least:.1%}", row.p_at_least))
    return [*cells, f"{row.gender} ({max(row.p_female, 1 - row.p_female):.1%})"]
