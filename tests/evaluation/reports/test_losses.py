from __future__ import annotations

from dataclasses import replace

import pytest

from utkage.evaluation.groups.group_metrics import COMPARABLE, SMALL
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.evaluation.reports.losses import ALL_CORRUPTIONS, losses_chart, losses_table
from utkage.evaluation.robustness.corruption_errors import (
    CorruptionLevel,
    CorruptionResult,
    RobustnessReport,
)
from utkage.evaluation.robustness.group_losses import CorruptionLoss, GroupLoss, Loss


def loss(n: int, excess: float) -> Loss:
    nothing = Estimate(0.0, 0.0, 0.0, n)
    found = Estimate(excess, excess - 1, excess + 1, n)
    return Loss(mae_rise=found, excess_rise=found, gender_loss=nothing)


def group(name: str, n: int, excess: float, under_blur: float) -> GroupLoss:
    blur = CorruptionLoss(name="blur", mean=loss(n, under_blur), levels=(loss(n, under_blur),))
    return GroupLoss(axis="race", name=name, n=n, mean=loss(n, excess), corruptions=(blur,))


@pytest.fixture
def report() -> RobustnessReport:
    level = CorruptionLevel(1, "1 %", Estimate(5.0, 4.0, 6.0, 90), Estimate(0.9, 0.8, 1.0, 90))
    factor = CorruptionResult("blur", "blur, sigma in % of size", (level,), None)
    groups = (
        group("Black", COMPARABLE, 0.5, 3.0),
        group("$Indian$", SMALL - 1, 7.0, 8.0),
        group("White", 400, -0.4, -1.0),
    )
    return RobustnessReport(90, 4.0, (factor,), groups)


def test_the_table_begins_with_those_who_lose_most(report: RobustnessReport) -> None:
    table = losses_table(report)
    heads = [(row[0].text, row[2].text) for row in table.rows]
    assert heads == [
        ("race Black", "blur, sigma in % of size"),
        ("race Black", ALL_CORRUPTIONS),
        ("race White", ALL_CORRUPTIONS),
        ("race White", "blur, sigma in % of size"),
        ("race $Indian$ (few faces)", "blur, sigma in % of size"),
        ("race $Indian$ (few faces)", ALL_CORRUPTIONS),
    ]
    assert table.muted == {4, 5}
    assert [row[4].emphasised for row in table.rows] == [True, False, False, False, False, False]
    assert table.rows[0][4].text == "3.00 (2.00 to 4.00)"


def test_a_short_table_has_no_groups_of_few_faces(report: RobustnessReport) -> None:
    assert len(losses_table(report, 10).rows) == 4
    assert len(losses_table(report, 3).rows) == 3
    assert not losses_table(RobustnessReport(90, 4.0, ()), 10).rows


def test_the_chart_has_every_group_and_corruption(report: RobustnessReport) -> None:
    axes, *_ = losses_chart(report).axes
    assert [text.get_text() for text in axes.texts] == [
        "+0.5",
        "+3.0",
        "+7.0",
        "+8.0",
        "-0.4",
        "-1.0",
    ]
    weights = [text.get_fontweight() for text in axes.texts]
    assert weights == ["normal", "bold", "normal", "normal", "normal", "normal"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[1] == f"race $Indian$ (n = {SMALL - 1}, few faces)"


def test_the_chart_of_many_groups_shows_the_largest(report: RobustnessReport) -> None:
    many = tuple(group(str(n), n, 0.0, 0.0) for n in range(1, 91))
    axes, *_ = losses_chart(replace(report, groups=many)).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert (len(names), names[0], names[-1]) == (40, "race 51 (n = 51)", "race 90 (n = 90)")
