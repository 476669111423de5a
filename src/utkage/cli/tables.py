"""Results on stdout: tables and JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from utkage.cli.console import print_line
from utkage.cli.option_names import as_options
from utkage.cli.streams import data_stdout
from utkage.core.json_text import json_text
from utkage.core.text import printable
from utkage.reporting.table import Cell, Table

# Longer words, such as paths, may be folded.
USUAL_WORD = 10

if TYPE_CHECKING:
    from rich.console import Console


def print_text(text: str) -> None:
    """Print lines of a result on stdout; control characters of names are shown."""
    typer.echo("\n".join(map(printable, text.split("\n"))))


def print_json(value: Any, *, ensure_ascii: bool = True) -> None:
    """Print a value as indented JSON on stdout; NaN and infinity become null."""
    data_stdout()
    # On a terminal, control characters above ASCII would be obeyed.
    ensure_ascii = ensure_ascii or sys.stdout.isatty()
    typer.echo(json_text(value, indent=2, ensure_ascii=ensure_ascii))


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table on stdout, or on another console; columns without headings have no header.

    Columns with values are aligned to the right. Texts name options instead of fields, and
    show control characters.
    """
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = console or Console()
    places = range(len(table.columns))
    least = [_longest_word(table, index) for index in places]
    # Whole words are worth more than space around them.
    is_narrow = sum(least) + 3 * len(places) + 1 > console.width
    room = console.width - (1 if is_narrow else 3) * len(places) - 1
    widths = _fitting([_width(table, index) for index in places], least, room)
    drawn = RichTable(
        title=Text(printable(as_options(table.title))) if table.title else None,
        show_header=any(table.columns),
        padding=(0, 0 if is_narrow else 1),
    )
    for index, heading in enumerate(table.columns):
        has_values = any(row[index].value is not None for row in table.rows)
        drawn.add_column(
            Text(heading),
            overflow="fold",
            justify="right" if has_values else "left",
            width=widths[index] if widths else None,
        )
    for index, row in enumerate(table.rows):
        cells = (Text(_printed(cell), "bold" if cell.emphasised else "") for cell in row)
        drawn.add_row(*cells, style="dim" if index in table.muted else None)
    console.print(drawn)
    if table.note:
        print_line(console, table.note)


def _printed(cell: Cell) -> str:
    text = as_options(cell.text)
    return "\n".join(map(printable, text.split("\n"))) if cell.has_lines else printable(text)


def _width(table: Table, index: int) -> int:
    """Width of the longest line of a column."""
    from rich.cells import cell_len

    lines = [table.columns[index]]
    lines += [line for row in table.rows for line in _printed(row[index]).split("\n")]
    return max(map(cell_len, lines))


def _fitting(widths: list[int], least: list[int], room: int) -> list[int]:
    """Widths that fit into ``room``, the widest columns reduced first; empty if words must break.

    rich would reduce columns below the width of their words.
    """
    widths = list(widths)
    for _ in range(sum(widths) - room):
        reducible = [index for index, width in enumerate(widths) if width > least[index]]
        if not reducible:
            return []
        widths[max(reducible, key=lambda index: widths[index])] -= 1
    return widths


def _longest_word(table: Table, index: int) -> int:
    """Width of the longest word of a column; longer words of cells than usual ones are folded."""
    words = table.columns[index].split()
    words += [
        word for row in table.rows for word in row[index].text.split() if len(word) <= USUAL_WORD
    ]
    return max(map(len, words), default=1)
