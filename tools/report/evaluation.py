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
from utkage.evaluation.evaluate import EvaluateRequest, EvaluateResult, evaluate
from utkage.evaluation.groups import CAVEAT, COMPARABLE, GAPS, GroupReport
from utkage.evaluation.populations import shown, shown_estimate
from utkage.evaluation.reports.model_card import groups_table, metrics_table, threshold_table
from utkage.evaluation.robustness import robustness_report
from utkage.prediction.loading import load_predictor

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
        f"flip averaging, {RESAMPLES} resamples of groups of copies; `{result.command}`, "
        f"{datetime.date.today().isoformat()}; {result.seconds:.0f} s for the answers on two "
        "shared cores."
    )
    return {
        "figures": f"{origin}\n\n{metrics_table(result.populations)}",
        "groups": f"{CAVEAT}\n\n{groups_table(result.groups)}",
        "worst": worst(result.groups),
        "threshold": threshold_table(result.threshold),
    }


def stress(data: Path) -> str:
    """What disturbances cost, one line a factor."""
    faces = ChipStore.open(data).split("val")
    report = robustness_report(load_predictor("shipped"), faces, SilentReporter())
    lines = [
        f"{report.n} faces drawn from the validation split of both sources, shipped weights, flip "
        f"averaging, {datetime.date.today()}; undisturbed MAE {report.clean:.2f} years. "
        "In brackets: gender right.",
        "",
        "| what is wrong | MAE, years, at each strength | error |",
        "|---|---|---|",
    ]
    for factor in report.factors:
        levels = "; ".join(
            f"{level.label}: {shown(level.mae.value, 'years')} "
            f"({shown(level.gender_accuracy.value, 'share')})"
            for level in factor.levels
        )
        lines.append(f"| {factor.words} | {levels} | {factor.doubling} |")
    return "\n".join(lines)


def worst(groups: GroupReport) -> str:
    """The worst groups and the gaps, as lists."""
    lines = [f"Of groups of at least {COMPARABLE} faces, crossings among them:", ""]
    for figure, unit in (("mae", "years"), ("gender_accuracy", "share")):
        words, _ = GAPS[figure]
        lines += [
            f"* {words}: {group.axis} {group.name}, "
            f"{shown_estimate(group.figures[figure], unit)}, n = {group.n}"
            for group in groups.worst(figure)
        ]
    lines += ["", "Worst group less best, with the interval for these two:", ""]
    for gap in groups.gaps:
        words, _ = GAPS[gap.figure]
        unit = "share" if gap.figure == "gender_accuracy" else "years"
        lines.append(
            f"* {gap.axis}, {words}: {gap.worst} less {gap.best}, "
            f"{shown_estimate(gap.difference, unit)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
