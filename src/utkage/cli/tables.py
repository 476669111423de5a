"""Results on stdout: tables and JSON."""

from __future__ import annotations

import re
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
USUAL_WORD = 12
# Longest path, or name of a file, for which other columns are made narrower.
LONGEST_PATH = 30

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
    names = [
        max(each, _file_name(table, index), _interval(table, index))
        for index, each in enumerate(least)
    ]
    # Whole words are worth more than space around them.
    is_narrow = sum(names) + 3 * len(places) + 1 > console.width
    room = console.width - (1 if is_narrow else 3) * len(places) - 1
    natural = [_width(table, index) for index in places]
    widths = _fitting(natural, names, room) or _fitting(natural, least, room)
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
        cells = (
            Text(_fitted(cell, width), "bold" if cell.emphasised else "")
            for cell, width in zip(row, widths or natural, strict=True)
        )
        drawn.add_row(*cells, style="dim" if index in table.muted else None)
    console.print(drawn)
    # A note may be several sentences, each on a line of its own.
    for line in table.note.split("\n") if table.note else ():
        print_line(console, line)


def _printed(cell: Cell) -> str:
    text = as_options(cell.text)
    return "\n".join(map(printable, text.split("\n"))) if cell.has_lines else printable(text)


def _fitted(cell: Cell, width: int) -> str:
    """The text of a cell; of a path, the end that fits, if possible from a folder."""
    from rich.cells import cell_len

    text = _printed(cell)
    if cell.value is not None and cell_len(text) > width:
        # An interval stays whole on a line of its own.
        text = text.replace(" (", "\n(")
    if not cell.is_path:
        return _broken_between_folders(text, width)
    if cell_len(text) <= width:
        return text
    ends = [text[place:] for place, letter in enumerate(text) if letter in "/\\"]
    ends += [text[place:] for place in range(len(text))]
    return next((f"…{end}" for end in ends if cell_len(end) < width), "…")


def _broken_between_folders(text: str, width: int) -> str:
    """A text whose paths that are wider than ``width`` continue on a new line after a slash."""
    from rich.cells import cell_len

    words = re.split(r"(\s)", text)
    for place, word in enumerate(words):
        if cell_len(word) > width and "/" in word:
            words[place] = _packed([f"{part}/" for part in word.split("/")], width)[:-1]
    return "".join(words)


def _packed(parts: list[str], width: int) -> str:
    """Parts on as few lines as ``width`` allows; a wider part has a line of its own."""
    from rich.cells import cell_len

    lines = [""]
    for part in parts:
        # The last part is a name, whose slash is not printed.
        if lines[-1] and cell_len(lines[-1] + part.removesuffix("/")) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _file_name(table: Table, index: int) -> int:
    """Width that the paths of a column need; the folders of long ones are shortened to ``…/``."""
    from rich.cells import cell_len

    widest = 0
    for text in (_printed(row[index]) for row in table.rows if row[index].is_path):
        name = cell_len(text.replace("\\", "/").rpartition("/")[2]) + 2
        whole = cell_len(text)
        widest = max(widest, whole if whole <= LONGEST_PATH else min(name, LONGEST_PATH))
    return widest


def _interval(table: Table, index: int) -> int:
    """Width of the longest text in brackets after a value of a column."""
    cells = (row[index] for row in table.rows)
    ends = (cell.text.partition(" (")[2] for cell in cells if cell.value is not None)
    return max((len(end) + 1 for end in ends if end), default=1)


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
    """Width of the longest word of a column; longer words than usual ones may be folded."""
    words = table.columns[index].split()
    words += [
        word for row in table.rows if not row[index].is_path for word in row[index].text.split()
    ]
    return max((len(word) for word in words if len(word) <= USUAL_WORD), default=1)
