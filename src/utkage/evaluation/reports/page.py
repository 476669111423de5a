"""The evaluation as one self-contained HTML page, and as Markdown for a model card or a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utkage.evaluation.comparison import Comparison
from utkage.evaluation.groups import CAVEAT, SMALL, GroupReport
from utkage.evaluation.metrics import METRICS, format_value
from utkage.evaluation.populations import Population
from utkage.evaluation.reports import tables
from utkage.evaluation.robustness import RobustnessReport
from utkage.evaluation.thresholds import ThresholdCurve
from utkage.reporting.markdown import markdown_table
from utkage.reporting.page import picture_uri, render_page
from utkage.reporting.table import Table

TILES = ("mae", "cs5", "range_accuracy", "gender_accuracy", "coverage_80")


@dataclass(frozen=True, kw_only=True)
class Page:
    """The contents of the page.

    Attributes:
        title: The weights and the faces.
        facts: Origin of everything: hashes, crop contract, command, versions.
        warnings: Sentences to read before the first number.
        populations: Metrics; the first population is shown in tiles.
        groups: Groups and gaps.
        threshold: Error rates of passing or failing at an age, or None.
        comparisons: Paired comparisons.
        stress: Errors on corrupted chips, or None.
        charts: SVG files by their captions, in order.
    """

    title: str
    facts: Mapping[str, str]
    warnings: Sequence[str]
    populations: Sequence[Population]
    groups: GroupReport
    threshold: ThresholdCurve | None
    comparisons: Sequence[Comparison]
    stress: RobustnessReport | None
    charts: Mapping[str, Path]


def render_evaluation_page(page: Page) -> str:
    """The page as HTML."""
    curve, stress = page.threshold, page.stress
    return render_page(
        "evaluation.html.j2",
        page=page,
        tiles=_tiles(page.populations[0]),
        charts={caption: picture_uri(path) for caption, path in page.charts.items()},
        metrics=tables.metrics_table(page.populations),
        worst=tables.worst_table(page.groups),
        gaps=tables.gaps_table(page.groups),
        caveat=CAVEAT,
        groups=tables.groups_table(page.groups.groups),
        small=SMALL,
        threshold=None if curve is None else tables.threshold_table(curve, near=True),
        comparisons=[tables.comparison_table(found) for found in page.comparisons],
        robustness=None if stress is None else tables.robustness_table(stress),
        facts=Table.of("", ("", ""), page.facts.items()),
    )


def _tiles(everyone: Population) -> list[tuple[str, str, str]]:
    """Label, value and interval of each tile, as text."""
    tiles = []
    for name in TILES:
        if (found := everyone.metrics.get(name)) is None:
            continue
        metric = METRICS[name]
        ends = (found.value, found.low, found.high)
        value, low, high = (format_value(end, metric.unit) for end in ends)
        tiles.append((metric.heading, value, "" if found.low is None else f"{low} to {high}"))
    return tiles


def model_card(page: Page) -> str:
    """The main metrics of the page as Markdown."""
    parts = [
        f"# {page.title}",
        "\n".join(f"* {name}: {value}" for name, value in page.facts.items()),
        "## Metrics\n\nIn brackets: 95 % bootstrap intervals.",
        markdown_table(tables.metrics_table(page.populations)),
        "## By group",
        CAVEAT,
        markdown_table(tables.card_groups_table(page.groups)),
    ]
    if page.threshold is not None:
        parts.append(f"## Passing or failing at {page.threshold.age}")
        parts.append(markdown_table(tables.threshold_table(page.threshold)))
    return "\n\n".join(parts) + "\n"
