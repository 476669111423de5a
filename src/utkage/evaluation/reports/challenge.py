"""The table and the chart of challenge ages."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import numpy as np

from utkage.core.text import counted
from utkage.evaluation.age_checks.challenge import (
    BAND,
    FALSE_CHALLENGE,
    FALSE_PASS,
    YEAR,
    AgeShares,
    ChallengeGroup,
    ChallengeReport,
)
from utkage.evaluation.age_checks.challenge_comparison import ChallengeComparison
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE
from utkage.evaluation.metrics.registry import SHARE, format_value
from utkage.evaluation.reports.cells import estimate_cell, number_cell, reach
from utkage.reporting.figure_files import (
    BLUE,
    CHART_WIDTH,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    new_figure,
)
from utkage.reporting.table import Cell, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = {
    YEAR: "passes",
    BAND: "passes",
    FALSE_PASS: "false pass (FPR)",
    FALSE_CHALLENGE: "false challenge (FNR)",
}
# Years beside the legal and the highest challenge age that the chart shows.
_AROUND_YEARS = 10


def challenge_table(
    report: ChallengeReport,
    groups: Container[tuple[str, str]] | None = None,
    *,
    years: bool = True,
) -> Table:
    """Who passes by each rule: all faces by true age, then each group.

    Args:
        report: The shares.
        groups: Axis and name of the groups that are shown beside all faces; None: all.
        years: Whether single years are shown.
    """
    rows: list[Row] = []
    small = []
    for group in report.groups:
        if group.axis and groups is not None and (group.axis, group.name) not in groups:
            continue
        for shares in group.rows:
            if shares.kind == YEAR and not years:
                continue
            if shares.small:
                small.append(len(rows))
            cells = (estimate_cell(share, SHARE) for share in shares.shares)
            rows.append((*_row_heads(group, shares), *cells))
    columns = (
        *("faces", "true age", "share", "n"),
        *(rule.label(report.age) for rule in report.rules),
    )
    return Table.of(challenge_title(report), columns, rows, muted=small, note=_note(report))


def challenge_comparison_table(
    found: ChallengeComparison,
    names: tuple[str, str],
    groups: Container[tuple[str, str]] | None = None,
) -> Table:
    """Who passes by each rule, by two predictors on the same faces.

    Args:
        found: The shares and their differences.
        names: Names of the predictors.
        groups: Axis and name of the groups that are shown beside all faces; None: all.
    """
    rows: list[Row] = []
    small = []
    for row in found.rows:
        group, shares = row.group, row.first
        if group.axis and groups is not None and (group.axis, group.name) not in groups:
            continue
        if shares.small:
            small.append(len(rows))
        cells: list[Cell] = []
        for ours, theirs, change in zip(
            shares.shares, row.second.shares, row.differences, strict=True
        ):
            values = [Cell(format_value(each.value, SHARE), each.value) for each in (ours, theirs)]
            cells += [*values, estimate_cell(change, SHARE)]
        rows.append((*_row_heads(group, shares), *cells))
    columns = ["faces", "true age", "share", "n"]
    for rule in found.rules:
        label = rule.label(found.age)
        columns += [f"{label}: {name}" for name in names]
        columns.append(f"{label}: second minus first (95 % interval)")
    title = f"{challenge_title(found)}, on the same faces"
    return Table.of(title, columns, rows, muted=small, note="\n".join(found.missing))


def _row_heads(group: ChallengeGroup, shares: AgeShares) -> tuple[Cell | str, ...]:
    label = f"{group.label} (few faces)" if shares.small else group.label
    return label, shares.years, LABELS[shares.kind], number_cell(shares.n)


def challenge_title(report: ChallengeReport | ChallengeComparison) -> str:
    """Such as ``Who passes at 18: challenge age 25``."""
    ages = [f"{rule.demand:g}" for rule in report.rules if rule.kind is ESTIMATED_AGE]
    return f"Who passes at {report.age}: challenge age {', '.join(ages)}"


def _note(report: ChallengeReport) -> str:
    notes = [report.missing, report.intervals]
    if report.on_both_sides:
        notes.append(
            f"The labelled range of {counted(report.on_both_sides, 'face')} lies on both sides of "
            f"{report.age}: in no share."
        )
    return "\n".join(filter(None, notes))


def challenge_chart(report: ChallengeReport) -> Figure | None:
    """The share that passes by single year of true age; None if no face has one."""
    highest = max(rule.demand for rule in report.rules if rule.kind is ESTIMATED_AGE)
    last = highest + _AROUND_YEARS
    years = [
        row
        for row in report.everyone.rows
        if row.kind == YEAR and report.age - _AROUND_YEARS <= row.first <= last
    ]
    if not years:
        return None
    figure = new_figure(CHART_WIDTH, 4.0)
    axes = figure.subplots()
    styles = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILION, "D"), (GREY, "v"))
    for index, rule in enumerate(report.rules):
        colour, marker = styles[index % len(styles)]
        shift = 0.16 * (index - (len(report.rules) - 1) / 2)
        places, values = _line(years, index)
        for row, value in zip(years, values, strict=True):
            axes.errorbar(
                row.first + shift,
                value,
                yerr=reach([row.shares[index]]),
                fmt=marker,
                color=colour,
                markersize=4,
                elinewidth=0.8,
                markerfacecolor="white" if row.small else colour,
            )
        label = rule.label(report.age)
        axes.plot(
            np.add(places, shift), values, color=colour, marker=marker, markersize=0, label=label
        )
    axes.axvline(report.age - 0.5, color=GREY, linestyle="--", linewidth=1)
    axes.set(ylim=(-0.02, 1.02), xlabel="True age, years", ylabel="Share that passes")
    axes.set_title(f"{challenge_title(report)}\n(95 % intervals; hollow: few faces)", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def _line(years: list[AgeShares], index: int) -> tuple[list[int], list[float]]:
    values = [row.shares[index].value for row in years]
    return [row.first for row in years], [np.nan if value is None else value for value in values]
