"""Tables as GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from utkage.reporting.table import Table


def markdown_table(table: Table) -> str:
    """The heading, the rule and the rows of ``table``; its title and note are left to the page."""
    lines = [_line(table.columns), "|" + "---|" * len(table.columns)]
    lines += [_line([cell.text for cell in row]) for row in table.rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
