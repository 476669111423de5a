"""The parts of documents that programs write, between ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.program import shown_command
from utkage.core.files import write_text
from utkage.reporting.table import Cell, Table, markdown_table

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """One measured part of a document.

    Attributes:
        document: The file below docs/ that has the part; empty if it is only printed.
        name: Name of its marks.
        text: Markdown.
        origin: Data, split, number of faces and settings behind the numbers, without a full stop.
            The command and the date follow it; if it is empty, the part has no such line.
    """

    document: str
    name: str
    text: str
    origin: str = ""


def markdown(columns: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> str:
    """A table as Markdown."""
    return markdown_table(Table.of("", columns, rows))


def with_block(text: str, name: str, content: str) -> str:
    """``text`` with the content between the two marks of ``name`` replaced.

    Raises:
        ValueError: ``text`` does not have the marks.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no marks <!-- {name} --> ... <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def publish(blocks: Iterable[Block], program: str, *, write: bool) -> None:
    """Print blocks and, with ``write``, put each into its document above the command and date."""
    for block in blocks:
        print(f"{block.name}:\n\n{block.text}\n\n{block.origin}\n", flush=True)
        if not (write and block.document):
            continue
        content = block.text
        if block.origin:
            today = datetime.date.today().isoformat()
            content += f"\n\n{block.origin}; `{shown_command(program)}`, {today}."
        path = DOCS / block.document
        write_text(path, with_block(path.read_text(encoding="utf-8"), block.name, content))
