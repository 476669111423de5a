"""The main metrics as Markdown, for a model card or a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from utkage.evaluation.groups import CAVEAT, GroupReport
from utkage.evaluation.populations import Population
from utkage.evaluation.reports.tables import card_groups_table, metrics_table, threshold_table
from utkage.evaluation.thresholds import ThresholdCurve
from utkage.reporting.markdown import markdown_table


def model_card(
    title: str,
    facts: Mapping[str, str],
    populations: Sequence[Population],
    groups: GroupReport,
    threshold: ThresholdCurve | None,
) -> str:
    """The card as Markdown text."""
    parts = [
        f"# {title}",
        "\n".join(f"* {name}: {value}" for name, value in facts.items()),
        "## Metrics\n\nIn brackets: 95 % bootstrap intervals.",
        markdown_table(metrics_table(populations)),
        "## By group",
        CAVEAT,
        markdown_table(card_groups_table(groups)),
    ]
    if threshold is not None:
        parts.append(f"## Passing or failing at {threshold.age}")
        parts.append(markdown_table(threshold_table(threshold)))
    return "\n\n".join(parts) + "\n"
