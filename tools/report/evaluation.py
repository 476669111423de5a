"""The shipped weights on the test split, and under corruptions on the validation split."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.documents import Block, markdown
from tools.report.page import ReportPage
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.bootstrap import RESAMPLES
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.groups import CAVEAT, COMPARABLE
from utkage.evaluation.metrics import SHARE, YEARS, format_value
from utkage.evaluation.reports.tables import (
    card_groups_table,
    gaps_table,
    metrics_table,
    threshold_table,
    worst_table,
)
from utkage.evaluation.robustness import robustness_report
from utkage.prediction.loading import load_predictor
from utkage.reporting.table import markdown_table

AGE = 18


def add_options(parser: argparse.ArgumentParser) -> None:
    """The prepared set and the folder of the report."""
    add_data_option(parser)
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="the whole report")


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """The prepared set."""
    parser.add_argument("--data", type=Path, required=True, help="prepared set of both sources")


def measure(options: argparse.Namespace) -> dict[str, Block]:
    """Evaluate on the test split."""
    request = EvaluateRequest(
        data=options.data,
        weights="shipped",
        device="cpu",
        out=options.out,
        report=True,
        threshold=AGE,
    )
    result = evaluate(request)
    assert result.threshold is not None
    sources = ", ".join(f"{own.n} {name}" for name, own in result.sources.items())
    origin = (
        f"Test split `{result.split_hash}`, {result.metrics.n} faces ({sources}), shipped weights, "
        f"flip averaging, {RESAMPLES} resamples of duplicate groups, {result.seconds:.0f} s for "
        "the predictions"
    )
    worst = markdown_table(worst_table(result.groups))
    gaps = markdown_table(gaps_table(result.groups))
    return {
        "figures": Block(markdown_table(metrics_table(result.populations)), origin),
        "groups": Block(f"{CAVEAT}\n\n{markdown_table(card_groups_table(result.groups))}"),
        "worst": Block(
            f"Groups of at least {COMPARABLE} faces, crossings included:\n\n{worst}\n\n"
            f"Worst minus best group, with the interval of this difference:\n\n{gaps}"
        ),
        "threshold": Block(markdown_table(threshold_table(result.threshold))),
    }


def measure_robustness(options: argparse.Namespace) -> dict[str, Block]:
    """Evaluate corrupted chips of the validation split, one row per corruption."""
    faces = ChipStore.open(options.data).split("val")
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
    return {"stress": Block(markdown(columns, rows), origin)}


PAGES = (
    ReportPage(
        name="evaluation",
        summary="evaluate the shipped weights on the test split",
        document="evaluation.md",
        add_options=add_options,
        measure=measure,
    ),
    ReportPage(
        name="robustness",
        summary="evaluate the shipped weights on corrupted validation faces",
        document="evaluation.md",
        add_options=add_data_option,
        measure=measure_robustness,
    ),
)
