"""Results on stdout: tables and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from utkage.cli.console import print_line
from utkage.cli.option_names import as_options
from utkage.cli.streams import data_stdout
from utkage.core.text import printable
from utkage.reporting.table import Table

if TYPE_CHECKING:
    from rich.console import Console


def print_json(value: Any, *, ensure_ascii: bool = True) -> None:
    """Print a value as indented JSON on stdout."""
    data_stdout()
    typer.echo(json.dumps(value, indent=2, ensure_ascii=ensure_ascii))


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table on stdout, or on another console; columns without headings have no header.

    Columns with values are aligned to the right. Texts name options instead of fields, and
    show control characters.
    """
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    title = Text(as_options(table.title)) if table.title else None
    drawn = RichTable(title=title, show_header=any(table.columns))
    for index, heading in enumerate(table.columns):
        has_values = any(row[index].value is not None for row in table.rows)
        drawn.add_column(Text(heading), overflow="fold", justify="right" if has_values else "left")
    for index, row in enumerate(table.rows):
        cells = (
            Text(printable(as_options(cell.text)), "bold" if cell.emphasised else "")
            for cell in row
        )
        drawn.add_row(*cells, style="dim" if index in table.muted else None)
    console = console or Console()
    console.print(drawn)
    if table.note:
        print_line(console, table.note)
