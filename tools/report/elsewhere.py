"""The shipped weights, and former ones, on labelled photographs of a source that none learned."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import Block, markdown
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import METRICS, format_estimate
from utkage.evaluation.request import EvaluateRequest

COLUMNS = (
    ("all", "label_range_accuracy"),
    ("all", "label_range_distance"),
    ("all", "gender_accuracy"),
    ("16plus", "gender_accuracy"),
)
Elsewhere = Annotated[Path, typer.Option(help="folder or archive whose ages are ranges")]


def measure_elsewhere(
    data: Elsewhere,
    former: Annotated[
        Path | None, typer.Option(help="weights that shipped before, for a second row")
    ] = None,
) -> list[Block]:
    """Evaluate on photographs from elsewhere, whose ages are labelled as ranges."""
    choices = {"shipped": "shipped"}
    if former is not None:
        choices["shipped before"] = str(former)
    measured = {name: _populations(data, weights) for name, weights in choices.items()}
    whole = measured["shipped"]["all"]
    headings = [
        METRICS[key].heading + (", 16 and older" if name == "16plus" else "")
        for name, key in COLUMNS
    ]
    rows = [(name, *_cells(found)) for name, found in measured.items()]
    origin = f"{data.name}, {whole.n} photographs, largest face of each, flip averaging"
    table = markdown(("weights", *headings), rows)
    row = markdown(("on photographs from elsewhere", *headings), rows[:1])
    return [
        Block("accuracy.md", "elsewhere", table, origin),
        Block("../README.md", "elsewhere", row, origin),
    ]


def _populations(data: Path, weights: str) -> dict[str, Population]:
    with tempfile.TemporaryDirectory() as folder:
        request = EvaluateRequest(data=data, weights=weights, device="cpu", out=Path(folder))
        return {found.name: found for found in evaluate(request).populations}


def _cells(found: dict[str, Population]) -> list[str]:
    return [format_estimate(found[name].metrics[key], METRICS[key].unit) for name, key in COLUMNS]
