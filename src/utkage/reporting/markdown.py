"""Tables as GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from utkage.reporting.table import Table


def markdown_table(table: Table) -> str:
    """A table as Markdown, without its title and note."""
    lines = [_line(table.columns), "|" + "---|" * len(table.columns)]
    lines += [_line([cell.text for cell in row]) for row in table.rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
