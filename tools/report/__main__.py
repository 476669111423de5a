"""Measure, and write the measured parts of the documents.

    python -m tools.report PAGE [options of the page]

Each part lies between the marks <!-- name --> and <!-- /name --> of a document and ends with what
was measured on what, by which command, when. --print shows the parts and writes no document.
The pages evaluation, photographs and seed evaluate on a test split: note it in
docs/model-card.md.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from tools.documents import write_blocks
from tools.program import new_parser, run_program, shown_command
from tools.report import (
    age_prior,
    evaluation,
    export,
    jitter,
    photographs,
    run_curve,
    run_table,
    seed,
    template,
    videos,
)
from tools.report.page import ReportPage

PAGES: dict[str, ReportPage] = {
    page.name: page
    for page in (
        *evaluation.PAGES,
        *photographs.PAGES,
        videos.PAGE,
        export.PAGE,
        age_prior.PAGE,
        seed.PAGE,
        run_table.PAGE,
        run_curve.PAGE,
        jitter.PAGE,
        template.PAGE,
    )
}


def main() -> int:
    """Measure one page."""
    parser = new_parser("tools.report", __doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="PAGE")
    for page in PAGES.values():
        command = commands.add_parser(page.name, help=page.summary, description=page.summary)
        page.add_options(command)
        command.add_argument("--print", action="store_true", help="write no document")
    return run_program(partial(_measure, parser.parse_args()))


def _measure(options: argparse.Namespace) -> None:
    page = PAGES[options.name]
    blocks = page.measure(options)
    for name, block in blocks.items():
        print(f"{name}:\n\n{block.text}\n\n{block.origin}\n")
    document = page.document_for(options)
    if document and not options.print:
        write_blocks(document, blocks, shown_command("tools.report", sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
