"""Measure the shipped weights on a test split and put the main tables into docs/evaluation.md.

    python tools/write_evaluation.py --data both
    python tools/write_evaluation.py --data both --stress

Each run is a look at the test split: note it in docs/model-card.md. ``--stress`` looks at the
validation split only, and writes only its own table.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from tools.docs.numbers import filled
from utkage.core.errors import UtkageError
from utkage.core.files import write_text
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.bootstrap import RESAMPLES
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.groups import CAVEAT, COMPARABLE, GROUP_METRICS, GroupReport
from utkage.evaluation.metrics import SHARE, YEARS, format_estimate, format_value
from utkage.evaluation.reports.tables import card_groups_table, metrics_table, threshold_table
from utkage.evaluation.result import EvaluateResult
from utkage.evaluation.robustness import robustness_report
from utkage.prediction.loading import load_predictor
from utkage.reporting.markdown import markdown_table

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "evaluation.md"
AGE = 18


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="prepared set of both sources")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="the whole report")
    parser.add_argument("--stress", action="store_true", help="the table of disturbances instead")
    arguments = parser.parse_args()
    request = EvaluateRequest(
        data=arguments.data,
        weights="shipped",
        device="cpu",
        out=arguments.out,
        report=True,
        threshold=AGE,
        command=f"utkage evaluate --weights shipped --report --threshold {AGE}",
    )
    try:
        found = (
            {"stress": stress(arguments.data)} if arguments.stress else tables(evaluate(request))
        )
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    page = PAGE.read_text(encoding="utf-8")
    for mark, content in found.items():
        page = filled(page, mark, content)
    write_text(PAGE, page)
    return 0


def tables(result: EvaluateResult) -> dict[str, str]:
    """What stands between the marks of the page."""
    assert result.threshold is not None
    sources = ", ".join(f"{own.n} {name}" for name, own in result.sources.items())
    origin = (
        f"Test split `{result.split_hash}`, {result.metrics.n} faces ({sources}), shipped weights, "
        f"flip averaging, {RESAMPLES} resamples of duplicate groups; `{result.command}`, "
        f"{datetime.date.today().isoformat()}; {result.seconds:.0f} s for the predictions on two "
        "shared cores."
    )
    return {
        "figures": f"{origin}\n\n{markdown_table(metrics_table(result.populations))}",
        "groups": f"{CAVEAT}\n\n{markdown_table(card_groups_table(result.groups))}",
        "worst": worst(result.groups),
        "threshold": markdown_table(threshold_table(result.threshold)),
    }


def stress(data: Path) -> str:
    """Errors under corruption, one line per corruption."""
    faces = ChipStore.open(data).split("val")
    report = robustness_report(load_predictor("shipped"), faces, SilentReporter())
    lines = [
        f"{report.n} faces drawn from the validation split of both sources, shipped weights, flip "
        f"averaging, {datetime.date.today()}; MAE without corruption {report.clean:.2f} years. "
        "In brackets: gender accuracy.",
        "",
        "| corruption | MAE, years, at each strength | error |",
        "|---|---|---|",
    ]
    for factor in report.factors:
        levels = "; ".join(
            f"{level.label}: {format_value(level.mae.value, YEARS)} "
            f"({format_value(level.gender_accuracy.value, SHARE)})"
            for level in factor.levels
        )
        lines.append(f"| {factor.label} | {levels} | {factor.doubling} |")
    return "\n".join(lines)


def worst(groups: GroupReport) -> str:
    """The worst groups and the gaps, as lists."""
    lines = [f"Groups of at least {COMPARABLE} faces, crossings included:", ""]
    for name in ("mae", "gender_accuracy"):
        metric = GROUP_METRICS[name]
        lines += [
            f"* {metric.heading}: {group.label}, "
            f"{format_estimate(group.metrics[name], metric.unit)}, n = {group.n}"
            for group in groups.worst(name)
        ]
    lines += ["", "Worst minus best group, with the interval of this difference:", ""]
    for gap in groups.gaps:
        metric = GROUP_METRICS[gap.metric]
        lines.append(
            f"* {gap.axis}, {metric.heading}: {gap.worst} minus {gap.best}, "
            f"{format_estimate(gap.difference, metric.unit)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
