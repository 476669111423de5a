"""The main figures as Markdown, for a model card or a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from utkage.evaluation.groups import CAVEAT, GroupReport
from utkage.evaluation.populations import WORDS, Population, shown_estimate
from utkage.evaluation.thresholds import ThresholdCurve

# The crossings are in metrics.json.
AXES = ("range", "gender", "race", "source", "predicted age")


def metrics_table(populations: Sequence[Population]) -> str:
    """Every figure over each population, with intervals."""
    lines = _head(["figure", *(f"{found.words} (n = {found.n})" for found in populations)])
    for name, (words, unit) in WORDS.items():
        if name in populations[0].figures:
            cells = [shown_estimate(found.figures[name], unit) for found in populations]
            lines.append(_row([f"{words}, {unit}" if unit == "years" else words, *cells]))
    return "\n".join(lines)


def groups_table(groups: GroupReport, axes: Sequence[str] = AXES) -> str:
    """MAE, bias, gender and coverage of each group, with intervals."""
    keys = [
        (key, words, unit)
        for key, words, unit in (
            ("mae", "MAE, years", "years"),
            ("bias", "bias, years", "years"),
            ("gender_accuracy", "gender right", "share"),
            ("coverage_80", "age in its 80 % interval", "share"),
            ("coverage_90", "in its 90 % interval", "share"),
        )
        if key in groups.groups[0].figures
    ]
    lines = _head(["group", "n", *(words for _, words, _ in keys)])
    for axis in axes:
        for group in groups.of_axis(axis):
            name = f"{axis} {group.name}" + (" (few faces)" if group.small else "")
            cells = [shown_estimate(group.figures[key], unit) for key, _, unit in keys]
            lines.append(_row([name, str(group.n), *cells]))
    return "\n".join(lines)


def threshold_table(curve: ThresholdCurve) -> str:
    """Both error rates of each demand."""
    lines = _head(
        [
            f"passes where P(age >= {curve.age}) is at least",
            f"under {curve.age} and passed (n = {curve.younger})",
            f"{curve.age} or older and failed (n = {curve.older})",
        ]
    )
    for point in curve.points:
        rates = [shown_estimate(rate, "share") for rate in (point.false_pass, point.false_fail)]
        lines.append(_row([f"{point.demand:.0%}", *rates]))
    return "\n".join(lines)


def model_card(
    title: str,
    facts: Mapping[str, str],
    populations: Sequence[Population],
    groups: GroupReport,
    threshold: ThresholdCurve | None,
) -> str:
    """The whole text."""
    parts = [
        f"# {title}",
        "\n".join(f"* {name}: {value}" for name, value in facts.items()),
        "## Figures\n\nIn brackets: 95 % bootstrap intervals.",
        metrics_table(populations),
        "## For whom",
        CAVEAT,
        groups_table(groups),
    ]
    if threshold is not None:
        parts += [f"## Passing or failing at {threshold.age}", threshold_table(threshold)]
    return "\n\n".join(parts) + "\n"


def _head(cells: Sequence[str]) -> list[str]:
    return [_row(cells), "|---" * len(cells) + "|"]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
