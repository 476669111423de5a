"""``Table`` values on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from utkage.reporting.table import Table


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table on stdout, or on another console; columns without headings have no header."""
    headed = any(table.columns)
    drawn = RichTable(title=Text(table.title) if table.title else None, show_header=headed)
    for heading in table.columns:
        drawn.add_column(Text(heading), overflow="fold")
    for index, row in enumerate(table.rows):
        style = "dim" if index in table.muted else None
        drawn.add_row(
            *(Text(cell.text, "bold" if cell.emphasised else "") for cell in row), style=style
        )
    console = console or Console()
    console.print(drawn)
    if table.note:
        console.print(table.note, markup=False, highlight=False, soft_wrap=True)
