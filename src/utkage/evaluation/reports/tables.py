"""Every table of an evaluation as a ``Table``, for the terminal, the HTML page and Markdown."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np

from utkage.core.text import counted, printable
from utkage.evaluation.age_checks.guarantee_report import GuaranteeReport
from utkage.evaluation.age_checks.guaranteed_demand import PROBABILITY
from utkage.evaluation.age_checks.thresholds import BAND_DEMAND, NEAR_YEARS, ThresholdCurve
from utkage.evaluation.comparison.paired_metrics import Comparison
from utkage.evaluation.groups.group_metrics import COMPARABLE, GROUP_METRICS, Group, GroupReport
from utkage.evaluation.groups.persons import PersonReport
from utkage.evaluation.groups.source_summary import summarise_sources
from utkage.evaluation.guards import ORACLE_NOTE
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import METRICS, SHARE, YEARS, format_value
from utkage.evaluation.reports.cells import estimate_cell, number_cell
from utkage.evaluation.reports.challenge import challenge_comparison_table, challenge_table
from utkage.evaluation.reports.losses import losses_table
from utkage.evaluation.reports.side_by_side import side_by_side_table
from utkage.evaluation.result import EvaluateResult
from utkage.evaluation.robustness.corruption_errors import RobustnessReport
from utkage.models.calibration import Calibration
from utkage.reporting.table import Cell, Row, Table

# Population and metric of each line of the summary; metrics.json has all of them.
SUMMARY = (
    ("all", "mae"),
    ("21_60", "mae"),
    ("all", "baseline_mae"),
    ("all", "bias"),
    ("all", "cs5"),
    ("all", "range_accuracy"),
    ("all", "label_range_accuracy"),
    ("all", "label_range_distance"),
    ("all", "gender_accuracy"),
    ("16plus", "gender_accuracy"),
    ("all", "coverage_80"),
    ("all", "coverage_90"),
)
# Axes and metrics of the groups in a model card. The crossings are in metrics.json.
CARD_AXES = ("range", "gender", "race", "source", "predicted age")
CARD_METRICS = (
    *("mae", "bias", "label_range_accuracy", "label_range_distance"),
    *("gender_accuracy", "coverage_80", "coverage_90"),
)
# Metrics of the groups that a user chose, in the terminal.
CHOSEN_METRICS = ("mae", "bias", "label_range_accuracy", "gender_accuracy")
# Groups of one axis that the terminal shows.
SHOWN_GROUPS = 20
NO_FACES = Estimate(None, None, None, 0)
# Lines of the ranking of who loses most, in the terminal.
SHOWN_LOSSES = 10
CALIBRATION_LEVELS = (0.5, 0.8, 0.9, 0.95)


def result_tables(result: EvaluateResult) -> list[Table]:
    """The tables that ``utkage evaluate`` prints."""
    shown = shown_groups(result.groups)
    tables = [
        summary_table(result),
        sources_table(result.groups)
        if result.side_by_side is None
        else side_by_side_table(result.side_by_side),
        worst_table(result.groups, count=3),
        chosen_groups_table(result.groups, result.populations[0].n),
    ]
    if result.threshold is not None:
        tables.append(threshold_bands_table(result.threshold))
        tables.append(threshold_table(result.threshold))
    if result.guarantee is not None:
        tables.append(guarantee_table(result.guarantee))
    if result.challenge is not None:
        tables.append(challenge_table(result.challenge, shown, years=False))
    tables += comparison_tables(result.comparisons, shown)
    if result.stress is not None:
        tables.append(robustness_table(result.stress))
        tables.append(losses_table(result.stress, SHOWN_LOSSES))
    return [table for table in tables if table.rows]


def summary_table(result: EvaluateResult) -> Table:
    """The main metrics in a dozen lines."""
    by_name = {population.name: population for population in result.populations}
    rows: list[Row] = []
    for name, key in SUMMARY:
        population = by_name[name]
        if key in population.metrics and key in by_name["all"].metrics:
            metric = METRICS[key]
            label = metric.heading if name == "all" else f"{metric.heading}, {population.label}"
            found = estimate_cell(population.metrics[key], metric.unit)
            rows.append((label, found, number_cell(population.metrics[key].n)))
    n = number_cell(result.metrics.n)
    if result.oracle_mae is not None:
        median = result.metrics.oracle_median_mae
        rows.append(("oracle: MAE given the true range, years", f"{result.oracle_mae:.2f}", n))
        text = format_value(median, YEARS)
        rows.append(("oracle: MAE of the true range's median age, years", text, n))
    notes = [] if result.oracle_mae is None else [ORACLE_NOTE]
    if (persons := result.persons) is not None:
        rows += persons_table(persons).rows
        notes.append(persons.note)
    if result.misses:
        rows.append(("photographs without a detected face", number_cell(result.misses), ""))
    columns = ("metric", "value (95 % interval)", "n")
    return Table.of(result.title, columns, rows, note="\n".join(notes))


def persons_table(found: PersonReport) -> Table:
    """The spread within persons, with their number."""
    label = (
        f"spread within {counted(found.repeated, 'person')} with several pictures (standard "
        "deviation of predicted minus true age), years"
    )
    row: Row = (label, estimate_cell(found.spread, YEARS), number_cell(found.spread.n))
    return Table.of("", ("metric", "value (95 % interval)", "n"), [row], note=found.note)


def sources_table(report: GroupReport) -> Table:
    """The sources side by side, with the mean over them and the worst; no rows if there is one."""
    groups = report.of_axis("source")
    columns = ("metric", *(f"{group.name} (n = {group.n})" for group in groups), "mean", "worst")
    rows: list[Row] = []
    for summary in summarise_sources(report):
        metric = GROUP_METRICS[summary.metric]
        values = [*summary.values.values(), summary.macro_mean]
        cells = [Cell(format_value(value, metric.unit), value) for value in values]
        rows.append((metric.heading, *cells, summary.worst))
    note = "mean: of the sources, each with the same weight"
    return Table.of("sources", columns, rows, note=note)


def metrics_table(populations: Sequence[Population]) -> Table:
    """Every metric over each population."""
    columns = ("metric", *(f"{found.label} (n = {found.n})" for found in populations))
    rows: list[Row] = []
    for name, metric in METRICS.items():
        if name in populations[0].metrics:
            found = [population.metrics.get(name, NO_FACES) for population in populations]
            rows.append((metric.heading, *(estimate_cell(each, metric.unit) for each in found)))
    return Table.of("", columns, rows)


def groups_table(
    groups: Sequence[Group], metrics: Sequence[str] = tuple(GROUP_METRICS), title: str = ""
) -> Table:
    """The named metrics of each group; those that the groups do not have are skipped."""
    known = [name for name in metrics if any(name in group.metrics for group in groups)]
    rows: list[Row] = [
        (
            f"{group.label} (few faces)" if group.small else group.label,
            number_cell(group.n),
            *(
                estimate_cell(group.metrics.get(name, NO_FACES), GROUP_METRICS[name].unit)
                for name in known
            ),
        )
        for group in groups
    ]
    columns = ("group", "n", *(GROUP_METRICS[name].heading for name in known))
    small = [index for index, group in enumerate(groups) if group.small]
    return Table.of(title, columns, rows, muted=small)


def card_groups_table(report: GroupReport, axes: Sequence[str] = CARD_AXES) -> Table:
    """The groups of a model card: no crossings but those that are chosen, and the main metrics."""
    shown = dict.fromkeys((*axes, *report.chosen))
    return groups_table([group for axis in shown for group in report.of_axis(axis)], CARD_METRICS)


def shown_groups(report: GroupReport) -> set[tuple[str, str]]:
    """Axis and name of the ``SHOWN_GROUPS`` largest groups of each axis that the user added."""
    return {
        (axis, group.name)
        for axis in report.chosen
        for group in sorted(report.of_axis(axis), key=lambda group: -group.n)[:SHOWN_GROUPS]
    }


def chosen_groups_table(report: GroupReport, faces: int) -> Table:
    """The ``shown_groups``, with notes on what is not shown; no rows without any.

    ``faces`` is the number of all faces.
    """
    shown = shown_groups(report)
    rows: list[Group] = []
    notes = []
    for axis in report.chosen:
        groups = report.of_axis(axis)
        own = [group for group in groups if (axis, group.name) in shown]
        rows += own
        if len(own) < len(groups):
            notes.append(
                f"{printable(axis)}: {counted(len(groups) - len(own), 'smaller group')} in "
                "metrics.json."
            )
        if unknown := faces - sum(group.n for group in groups):
            notes.append(f"{printable(axis)}: unknown of {counted(unknown, 'face')}.")
    table = groups_table(rows, CHOSEN_METRICS, "groups" if rows else "")
    return replace(table, note="\n".join(notes))


def worst_table(
    report: GroupReport, metrics: Sequence[str] = ("mae", "gender_accuracy"), count: int = 5
) -> Table:
    """The groups with the worst metrics, of those with enough faces."""
    rows = []
    for name in metrics:
        metric = GROUP_METRICS[name]
        for group in report.worst(name, count):
            value = estimate_cell(group.metrics[name], metric.unit)
            rows.append((metric.heading, group.label, value, number_cell(group.n)))
    title = f"worst groups of at least {COMPARABLE} faces"
    return Table.of(title, ("metric", "group", "value (95 % interval)", "n"), rows)


def gaps_table(report: GroupReport) -> Table:
    """The best and the worst group of an axis, and their difference."""
    rows = []
    for gap in report.gaps:
        metric = GROUP_METRICS[gap.metric]
        difference = estimate_cell(gap.difference, metric.unit)
        rows.append((gap.axis, metric.heading, gap.best, gap.worst, difference))
    return Table.of("", ("axis", "metric", "best", "worst", "worst minus best"), rows)


def threshold_table(curve: ThresholdCurve) -> Table:
    """Both error rates at each required probability, those next to the threshold first.

    The rates over all faces follow them: they are lower where many faces are far from the
    threshold, such as small children.
    """
    age = curve.age
    first = max(0, age - NEAR_YEARS)
    columns = {
        f"{first}-{age - 1} passed (n = {curve.near_younger})": "near_false_pass",
        f"{age}-{age + NEAR_YEARS - 1} failed (n = {curve.near_older})": "near_false_fail",
        f"all under {age} passed (n = {curve.younger})": "false_pass",
        f"all from {age} failed (n = {curve.older})": "false_fail",
    }
    rows = [
        (
            Cell(f"{point.demand:.0%}", point.demand),
            *(estimate_cell(getattr(point, name), SHARE) for name in columns.values()),
        )
        for point in curve.points
    ]
    headings = (f"passes if P(age >= {age}) is at least", *columns)
    return Table.of(f"passing or failing at {age}", headings, rows)


def threshold_bands_table(curve: ThresholdCurve) -> Table:
    """The share that passes at 50 %, by true age next to the threshold."""
    rows = [
        (
            f"{band.first}-{band.last}",
            number_cell(band.passed.n),
            estimate_cell(band.passed, SHARE),
            "should fail" if band.last < curve.age else "should pass",
        )
        for band in curve.bands
    ]
    passed = f"P(age >= {curve.age}) at least {BAND_DEMAND:.0%} (95 % interval)"
    return Table.of(f"next to {curve.age}", ("true age", "n", passed, "expected"), rows)


def guarantee_table(report: GuaranteeReport) -> Table:
    """The lowest demand that keeps the promise, for all faces and for each group."""
    guarantee, kind = report.guarantee, report.kind
    age = guarantee.age
    demanded = f"P(age >= {age})" if kind is PROBABILITY else "estimated age"
    rows: list[Row] = []
    for group in (report.everyone, *report.groups):
        demand = group.demand
        cells: tuple[Cell | str, ...] = ("none", "-", "-", "-")
        if demand is not None and group.false_fail is not None:
            cells = (
                Cell(f"{demand.demand:.{kind.decimals}f}", demand.demand),
                number_cell(demand.passing),
                Cell(f"{demand.upper:.2%}", demand.upper),
                estimate_cell(group.false_fail, SHARE),
            )
        rows.append((group.label, number_cell(group.n), *cells))
    columns = (
        *("faces", f"n of {guarantee.years}", f"lowest demand: {demanded} at least"),
        *("of them pass", f"upper bound ({100 * guarantee.confidence:g} % confidence)"),
        f"{age}-{age + NEAR_YEARS - 1} failed (95 % interval)",
    )
    title = (
        f"at most {100 * guarantee.max_false_pass:g} % of {guarantee.years} pass, with "
        f"{100 * guarantee.confidence:g} % confidence"
    )
    return Table.of(title, columns, rows, note="\n".join(_guarantee_notes(report)))


def _guarantee_notes(report: GuaranteeReport) -> list[str]:
    guarantee = report.guarantee
    without = [group for group in report.groups if group.demand is None]
    few = [group for group in without if guarantee.may_pass(group.n) is None]
    notes = [f"{group.label}: {group.reason}" for group in without if group not in few]
    if few:
        names = ", ".join(f"{group.label} ({group.n})" for group in few)
        notes.append(
            f"Too few faces of {guarantee.years}, for at least {guarantee.faces_needed:,} are "
            f"needed: {names}."
        )
    if report.groups:
        notes.append(
            "Each demand keeps the promise in its own group; that all of them keep it at once is "
            "less certain."
        )
    if (found := report.simulation) is not None:
        refused = f"; {found.refused:.1%} had no demand" if found.refused else ""
        notes.append(
            f"Simulation: the promise held in {found.kept:.1%} of {found.draws:,} calibrations on "
            f"faces drawn from these{refused}."
        )
    return notes


def comparison_tables(
    comparisons: Sequence[Comparison], groups: Container[tuple[str, str]] | None = None
) -> list[Table]:
    """The tables of each comparison; ``groups`` as in ``challenge_comparison_table``."""
    tables = []
    for found in comparisons:
        tables.append(comparison_table(found))
        if found.challenge is not None:
            names = (found.first, found.second)
            tables.append(challenge_comparison_table(found.challenge, names, groups))
    return tables


def comparison_table(found: Comparison) -> Table:
    """The metrics of two predictors on the same faces, and their paired differences."""
    rows: list[Row] = []
    for name, difference in found.differences.items():
        unit = METRICS[name].unit
        values = [Cell(format_value(value, unit), value) for value in found.values[name]]
        rows.append((METRICS[name].heading, *values, estimate_cell(difference, unit)))
    return Table.of(
        f"on the same {found.n} faces",
        ("metric", found.first, found.second, "second minus first (95 % interval)"),
        rows,
        note=_gender_note(found),
    )


def _gender_note(found: Comparison) -> str:
    if "gender_accuracy" not in found.differences:
        return ""
    first, second = printable(found.first), printable(found.second)
    test = found.gender
    return (
        f"Gender: only {first} is correct on {test.only_first} faces, only {second} on "
        f"{test.only_second}; exact McNemar test p = {test.p_value:.3g}."
    )


def robustness_table(report: RobustnessReport) -> Table:
    """Errors under each corruption at each strength."""
    rows = [
        (
            factor.label,
            level.label,
            estimate_cell(level.mae, YEARS),
            estimate_cell(level.gender_accuracy, SHARE),
            factor.doubling if index == 0 else "",
        )
        for factor in report.factors
        for index, level in enumerate(factor.levels)
    ]
    clean = format_value(report.clean, YEARS)
    title = f"robustness, on {report.n} faces (MAE without corruption: {clean} years)"
    columns = ("corruption", "strength", "MAE, years", "gender accuracy", "error")
    return Table.of(title, columns, rows)


def calibration_table(calibration: Calibration, title: str) -> Table:
    """The central level that gives each nominal level, by band of predicted age."""
    rows = []
    for name, band in zip(calibration.band_names, calibration.bands, strict=True):
        age = np.array([band.first])
        levels = [calibration.requested_level(level, age)[0] for level in CALIBRATION_LEVELS]
        faces = f"{band.n} (levels of all)" if band.pooled else str(band.n)
        rows.append((name, faces, *(f"{level:.1%}" for level in levels)))
    columns = ("predicted age", "n", *(f"level for {level:.0%}" for level in CALIBRATION_LEVELS))
    note = (
        f"gender temperature: {calibration.gender_temperature:.3f}\n"
        f"range temperature: {calibration.range_temperature:.3f}"
    )
    return Table.of(title, columns, rows, note=note)
