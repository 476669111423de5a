"""Measure, and write the measured parts of the documents.

Each part lies between the marks <!-- name --> and <!-- /name --> of a document and ends with what
was measured on what, by which command, when. The pages evaluation, photographs, covered and seed
evaluate on a test split: note it in docs/model-card.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from tools.documents import Block, publish
from tools.program import new_app, run_app
from tools.report import (
    cases,
    colours,
    covered,
    curve,
    elsewhere,
    evaluation,
    export,
    label_errors,
    photographs,
    seed,
    turned,
    videos,
)

PROGRAM = "tools.report"
PAGES: dict[str, Callable[..., list[Block]]] = {
    "evaluation": evaluation.measure_evaluation,
    "robustness": evaluation.measure_robustness,
    "elsewhere": elsewhere.measure_elsewhere,
    "photographs": photographs.measure_photographs,
    "cases": cases.measure_cases,
    "colours": colours.measure_colours,
    "turned": turned.measure_turned,
    "covered": covered.measure_covered,
    "label-errors": label_errors.measure_label_errors,
    "videos": videos.measure_videos,
    "export": export.measure_export,
    "seed": seed.measure_seed,
    "run-curve": curve.measure_curve,
}
app = new_app(__doc__)
for name, measure in PAGES.items():
    app.command(name)(measure)


def _publish(blocks: list[Block], print_only: bool) -> None:
    publish(blocks, PROGRAM, write=not print_only)


@app.callback(help=__doc__, result_callback=_publish)
def _options(
    print_only: Annotated[bool, typer.Option("--print", help="write no document")] = False,
) -> None:
    """Take the options before the name of the page."""


if __name__ == "__main__":
    sys.exit(run_app(app, PROGRAM))
