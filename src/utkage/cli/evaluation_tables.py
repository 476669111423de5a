"""What ``utkage evaluate`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from utkage.evaluation.groups import COMPARABLE
from utkage.evaluation.populations import WORDS, shown, shown_estimate

if TYPE_CHECKING:
    from utkage.evaluation.calibrate import CalibrateResult
    from utkage.evaluation.comparison import Comparison
    from utkage.evaluation.evaluate import EvaluateResult
    from utkage.evaluation.robustness import RobustnessReport
    from utkage.evaluation.thresholds import ThresholdCurve

# Population and figure of each line of the short table; metrics.json has all of them.
SHOWN = (
    ("all", "mae"),
    ("21_60", "mae"),
    ("all", "baseline_mae"),
    ("all", "bias"),
    ("all", "cs5"),
    ("all", "range_accuracy"),
    ("all", "gender_accuracy"),
    ("16plus", "gender_accuracy"),
    ("all", "coverage_80"),
    ("all", "coverage_90"),
)
SHOWN_LEVELS = (0.5, 0.8, 0.9, 0.95)


def print_result(result: EvaluateResult) -> None:
    """The short table, the worst groups, and what else was asked for."""
    console = Console()
    where = f"{result.data}" + (f", {result.split} split" if result.split else "")
    table = Table("", "value (95 % interval)", "n", title=f"{result.weights.name} on {where}")
    by_name = {population.name: population for population in result.populations}
    for name, figure in SHOWN:
        population = by_name[name]
        if figure not in population.figures:
            continue
        words, unit = WORDS[figure]
        unit_label = ", years" if unit == "years" else ""
        whom = "" if name == "all" else f", {population.words}"
        found = shown_estimate(population.figures[figure], unit)
        table.add_row(f"{words}{unit_label}{whom}", found, str(population.n))
    n = str(result.metrics.n)
    if result.oracle_mae is not None:
        median = result.metrics.oracle_median_mae
        table.add_row("oracle: MAE with the true range fed in", f"{result.oracle_mae:.2f}", n)
        table.add_row("oracle: median of the true range", f"{median:.2f}", n)
    for source, own in result.sources.items():
        table.add_row(f"MAE of {source}, years", f"{own.mae:.2f}", str(own.n))
        table.add_row(f"gender right of {source}", f"{own.gender_accuracy:.1%}", str(own.n))
    if result.misses:
        table.add_row("photographs without a found face", str(result.misses), "")
    console.print(table)
    if result.oracle_mae is not None:
        from utkage.evaluation.oracle import ORACLE_LABEL

        print(ORACLE_LABEL)
    if worst := result.groups.worst("mae", 3):
        named = "; ".join(
            f"{group.axis} {group.name} {shown_estimate(group.figures['mae'], 'years')}, "
            f"n = {group.n}"
            for group in worst
        )
        print(f"largest MAE of groups of at least {COMPARABLE}: {named}")
    if result.threshold is not None:
        console.print(_threshold_table(result.threshold))
    for comparison in result.comparisons:
        console.print(_comparison_table(comparison))
        _print_test(comparison)
    if result.stress is not None:
        console.print(_stress_table(result.stress))
    for kind, path in result.files.items():
        print(f"{kind.replace('_', ' ')}: {path}")


def print_calibration(result: CalibrateResult) -> None:
    """What was fitted, by band."""
    found = result.calibration
    table = Table("predicted age", "n", *(f"{level:.0%} asks" for level in SHOWN_LEVELS))
    table.title = f"calibration in {result.out.name}"
    for name, band in zip(found.band_names, found.bands, strict=True):
        age = np.array([band.first])
        asked = [found.asked_level(level, age)[0] for level in SHOWN_LEVELS]
        pooled = " (levels of all)" if band.pooled else ""
        table.add_row(name, f"{band.n}{pooled}", *(f"{level:.1%}" for level in asked))
    Console().print(table)
    print(f"gender temperature: {found.gender_temperature:.3f}")
    print(f"range temperature: {found.range_temperature:.3f}")
    print(f"weights: {result.out}")


def _threshold_table(curve: ThresholdCurve) -> Table:
    table = Table(
        f"P(age >= {curve.age}) at least",
        f"under {curve.age} and passed (n = {curve.younger})",
        f"{curve.age} or older and failed (n = {curve.older})",
        title=f"passing or failing at {curve.age}",
    )
    for point in curve.points:
        rates = (point.false_pass, point.false_fail)
        table.add_row(f"{point.demand:.0%}", *(shown_estimate(rate, "share") for rate in rates))
    return table


def _comparison_table(found: Comparison) -> Table:
    table = Table("", found.first, found.second, "second less first (95 % interval)")
    table.title = f"on the same {found.n} faces"
    for name, difference in found.differences.items():
        words, unit = WORDS[name]
        first, second = found.values[name]
        table.add_row(
            words, shown(first, unit), shown(second, unit), shown_estimate(difference, unit)
        )
    return table


def _print_test(found: Comparison) -> None:
    test = found.gender
    print(
        f"gender: {test.only_first} faces only {found.first} got right, {test.only_second} only "
        f"{found.second}; exact McNemar test p = {test.p_value:.3g}"
    )


def _stress_table(report: RobustnessReport) -> Table:
    table = Table("", "level", "MAE, years", "gender right", "")
    table.title = f"stress, on {report.n} faces (undisturbed MAE {shown(report.clean, 'years')})"
    for factor in report.factors:
        for index, level in enumerate(factor.levels):
            table.add_row(
                factor.words if index == 0 else "",
                level.label,
                shown_estimate(level.mae, "years"),
                shown_estimate(level.gender_accuracy, "share"),
                factor.doubling if index == 0 else "",
            )
    return table
