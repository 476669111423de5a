"""``Table`` values on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from utkage.cli.console import print_line
from utkage.cli.option_names import as_options
from utkage.reporting.table import Table


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table on stdout, or on another console; columns without headings have no header.

    Columns with values are aligned to the right. Texts name options instead of fields.
    """
    headed = any(table.columns)
    title = Text(as_options(table.title)) if table.title else None
    drawn = RichTable(title=title, show_header=headed)
    for index, heading in enumerate(table.columns):
        has_values = any(row[index].value is not None for row in table.rows)
        drawn.add_column(Text(heading), overflow="fold", justify="right" if has_values else "left")
    for index, row in enumerate(table.rows):
        style = "dim" if index in table.muted else None
        drawn.add_row(
            *(Text(as_options(cell.text), "bold" if cell.emphasised else "") for cell in row),
            style=style,
        )
    console = console or Console()
    console.print(drawn)
    if table.note:
        print_line(console, table.note)
