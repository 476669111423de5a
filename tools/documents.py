"""The parts of documents that programs write, between ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utkage.core.files import write_text
from utkage.reporting.table import Cell, Table, markdown_table

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """The content of one part of a document.

    Attributes:
        text: Markdown.
        origin: Data, split, number of faces and settings behind the numbers, without a full stop.
            The command and the date follow it; if it is empty, the block has no such line.
    """

    text: str
    origin: str = ""


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> str:
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


def write_blocks(document: str, blocks: Mapping[str, Block], command: str) -> None:
    """Replace parts of ``docs/<document>``, each with the command and the date below it."""
    path = DOCS / document
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        content = block.text
        if block.origin:
            content += f"\n\n{block.origin}; `{command}`, {datetime.date.today().isoformat()}."
        text = with_block(text, name, content)
    write_text(path, text)
