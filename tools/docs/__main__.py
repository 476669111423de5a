"""Write what the documents take from the code and from the card of the shipped weights.

The card, the settings and the command line fill their blocks in docs/. README.md gets what
``utkage predict`` prints for the examples and the annotated picture, docs/evaluation.md what
``utkage evaluate`` prints; ``--check`` skips these, because predictions differ in the last digit
between machines.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from tools.docs import program, schemas, shipped
from tools.documents import ROOT, with_block
from tools.program import new_app, run_app
from utkage.core.files import write_text

# By document: the blocks that it has, and what writes them.
BLOCKS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"output": program.example_output},
    "docs/cli.md": {"exit codes": program.exit_codes, "commands": program.commands},
    "docs/training.md": {
        name: partial(program.settings_table, kind) for name, kind in program.SETTINGS.items()
    },
    "docs/evaluation.md": {"scores": program.example_scores},
    "docs/weights.md": {"numbers": shipped.metrics_block, "ranges": shipped.range_tables},
    "docs/accuracy.md": {"ours": shipped.accuracy_table},
    "docs/model-card.md": {"use": shipped.use_block, "card": shipped.card_block},
}
UNCHECKED = {"output", "scores"}
app = new_app(__doc__)


def fresh_document(document: str, *, check: bool) -> tuple[str, str]:
    """A document as it is and as it should be; ``check`` leaves out the ``UNCHECKED`` blocks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    fresh = text
    for name, write in BLOCKS[document].items():
        if not (check and name in UNCHECKED):
            fresh = with_block(fresh, name, write())
    return text, fresh


def fresh_schema(name: str) -> tuple[str, str]:
    """A schema as it is, empty if it is not there, and as it should be."""
    path = schemas.schema_path(name)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text, schemas.schema_text(name)


@app.command(help=__doc__)
def write_documents(
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; exit with 1 if a document is stale")
    ] = False,
) -> None:
    """Write the documents, or with ``check`` fail if one is out of date."""
    stale = 0
    documents = {document: fresh_document(document, check=check) for document in BLOCKS}
    documents |= {f"docs/schemas/{name}": fresh_schema(name) for name in schemas.SCHEMAS}
    for document, (text, fresh) in documents.items():
        if text == fresh:
            continue
        stale += 1
        if check:
            print(f"{document} is out of date; run: make docs", file=sys.stderr)
        else:
            write_text(ROOT / document, fresh)
            print(f"wrote {document}")
    raise typer.Exit(int(check and stale > 0))


if __name__ == "__main__":
    sys.exit(run_app(app, "tools.docs"))
