"""The shipped weights on the test split, and under corruptions on the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.documents import Block, markdown
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.age_checks.thresholds import BAND_DEMAND, NEAR_YEARS, ThresholdCurve
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.groups.group_metrics import CAVEAT, COMPARABLE
from utkage.evaluation.metrics.bootstrap import RESAMPLES
from utkage.evaluation.metrics.registry import SHARE, YEARS, format_estimate, format_value
from utkage.evaluation.reports import tables
from utkage.evaluation.reports.losses import losses_table
from utkage.evaluation.request import EvaluateRequest
from utkage.evaluation.robustness.corruption_errors import robustness_report
from utkage.prediction.loading import load_predictor
from utkage.reporting.table import markdown_table

DOCUMENT = "evaluation.md"
AGE = 18
# Lines of the ranking of who loses most.
LOSSES = 20
Data = Annotated[Path, typer.Option(help="prepared set of both sources")]


def measure_evaluation(
    data: Data,
    out: Annotated[Path, typer.Option(help="folder of the whole report")] = Path("evaluation"),
) -> list[Block]:
    """Evaluate the shipped weights on the test split."""
    result = evaluate(
        EvaluateRequest(
            data=data, weights="shipped", device="cpu", out=out, report=True, threshold=AGE
        )
    )
    assert result.threshold is not None
    sources = ", ".join(f"{own.n} {name}" for name, own in result.sources.items())
    origin = (
        f"Test split `{result.split_hash}`, {result.metrics.n} faces ({sources}), shipped weights, "
        f"flip averaging, {RESAMPLES} resamples of duplicate groups, {result.seconds:.0f} s for "
        "the predictions"
    )
    groups = markdown_table(tables.card_groups_table(result.groups))
    worst = markdown_table(tables.worst_table(result.groups))
    gaps = markdown_table(tables.gaps_table(result.groups))
    worst_and_gaps = (
        f"Groups of at least {COMPARABLE} faces, crossings included:\n\n{worst}\n\n"
        f"Worst minus best group, with the interval of this difference:\n\n{gaps}"
    )
    bands = markdown_table(tables.threshold_bands_table(result.threshold))
    threshold = f"{bands}\n\n{markdown_table(tables.threshold_table(result.threshold))}"
    figures = markdown_table(tables.metrics_table(result.populations))
    return [
        Block(DOCUMENT, "figures", figures, origin),
        Block(DOCUMENT, "groups", f"{CAVEAT}\n\n{groups}"),
        Block(DOCUMENT, "worst", worst_and_gaps),
        Block(DOCUMENT, "threshold", threshold),
        Block("../README.md", "minors", minors_text(result.threshold)),
    ]


def minors_text(curve: ThresholdCurve) -> str:
    """One sentence on how many younger faces pass at 50 %, next to the threshold."""
    (point,) = (point for point in curve.points if point.demand == BAND_DEMAND)
    nearest = max((band for band in curve.bands if band.last < curve.age), key=lambda b: b.last)
    rates = [format_estimate(found, SHARE) for found in (point.near_false_pass, nearest.passed)]
    return (
        f"P(age >= {curve.age}) is at least {BAND_DEMAND:.0%} for {rates[0]} of the "
        f"{curve.near_younger} test faces of {curve.age - NEAR_YEARS} to {curve.age - 1} years, "
        f"and for {rates[1]} of the {nearest.passed.n} faces of {nearest.first} and "
        f"{nearest.last} years ([more](docs/evaluation.md#a-threshold-of-18))."
    )


def measure_robustness(data: Data) -> list[Block]:
    """Evaluate the shipped weights on corrupted validation faces."""
    faces = ChipStore.open(data).split("val")
    report = robustness_report(load_predictor("shipped"), faces, SilentReporter())
    rows = []
    for factor in report.factors:
        levels = "; ".join(
            f"{level.label}: {format_value(level.mae.value, YEARS)} "
            f"({format_value(level.gender_accuracy.value, SHARE)})"
            for level in factor.levels
        )
        rows.append((factor.label, levels, factor.doubling))
    columns = ("corruption", "MAE, years, at each strength (gender accuracy)", "error")
    origin = (
        f"{report.n} faces drawn from the validation split of both sources, shipped weights, flip "
        f"averaging; MAE without corruption {report.clean:.2f} years"
    )
    losses = losses_table(report, LOSSES)
    return [
        Block(DOCUMENT, "stress", markdown(columns, rows), origin),
        Block(DOCUMENT, "losses", markdown_table(losses), origin),
    ]
