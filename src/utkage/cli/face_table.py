"""Rows of ``predict`` as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utkage.prediction.face_rows import FaceRow
    from utkage.prediction.rows import RowOptions
    from utkage.prediction.track_rows import TrackRow


def print_face_table(rows: Sequence[FaceRow], options: RowOptions) -> None:
    """Print one line a face of photographs on stdout; columns that say nothing are left out."""
    _print_table(rows, options, ["face"], [[str(row.face)] for row in rows])


def print_track_table(rows: Sequence[TrackRow], options: RowOptions) -> None:
    """Print one line a face of videos on stdout; columns that say nothing are left out."""
    seen = [
        [str(row.track), f"{row.start or 0:.1f} - {row.end or 0:.1f}", str(row.looks)]
        for row in rows
    ]
    _print_table(rows, options, ["face", "seconds", "looks"], seen)


def _print_table(
    rows: Sequence[FaceRow | TrackRow],
    options: RowOptions,
    seen_heads: list[str],
    seen: list[list[str]],
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    weak = any(row.flags for row in rows)
    table = Table()
    table.add_column("file", overflow="fold")
    heads = [*seen_heads, "age", f"{options.interval:.0%} interval", "range"]
    heads += [] if options.threshold is None else [f"P(age >= {options.threshold})"]
    for head in heads:
        table.add_column(head, justify="right", overflow="fold")
    table.add_column("gender", overflow="fold")
    if weak:
        table.add_column("weak because", overflow="fold")
    for row, seen_cells in zip(rows, seen, strict=True):
        answer = _answer(row, options)
        if answer is None:
            words = "no face found" if row.reason is None else row.reason
            table.add_row(Text(row.file), *["-"] * len(heads), Text(words))
        else:
            cells = [*seen_cells, *answer]
            cells += [", ".join(row.flags or ()).replace("_", " ")] if weak else []
            table.add_row(Text(row.file), *cells)
    Console().print(table)


def _answer(row: FaceRow | TrackRow, options: RowOptions) -> list[str] | None:
    if row.age is None or row.p_female is None:
        return None
    cells = [
        f"{row.age:.1f}".removesuffix(".0"),
        f"{row.age_low:.0f} - {row.age_high:.0f}",
        f"{row.range} ({row.range_probability:.0%})",
    ]
    if options.threshold is not None:
        cells.append(f"{row.p_at_least:.1%}")
    cells.append(f"{row.gender} ({max(row.p_female, 1 - row.p_female):.1%})")
    return cells
