"""Demands of all faces and of groups, and what an evaluation does with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.core.errors import DataError
from utkage.evaluation.age_checks.guarantee_report import guarantee_report, require_minors
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE, Guarantee
from utkage.evaluation.groups.axes import chosen_axes
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.reports.tables import guarantee_table

Labelled = Callable[..., LabelledPredictions]
PROMISE = Guarantee(age=18, youngest=5, max_false_pass=0.2, confidence=0.8)


def report_of(faces: LabelledPredictions, **options: object):  # type: ignore[no-untyped-def]
    return guarantee_report(faces, PROMISE, **options)  # type: ignore[arg-type]


def test_demands_against_a_loop_that_counts_each_person_once(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(400)
    faces = replace(faces, groups=np.arange(400) // 2)
    assert faces.predictions is not None
    likely = faces.predictions.probability_at_least(18)
    highest: dict[int, float] = {}
    for i in range(400):
        if 5 <= faces.ages[i] < 18:
            person = int(faces.groups[i])
            highest[person] = max(highest.get(person, 0.0), round(float(likely[i]), 4))
    report = report_of(faces)
    demand = report.everyone.demand
    assert demand is not None
    assert demand.n == len(highest)
    assert demand.passing == sum(score >= demand.demand for score in highest.values())
    near = [i for i in range(400) if 18 <= faces.ages[i] < 25]
    failing = [round(float(likely[i]), 4) < demand.demand for i in near]
    assert report.everyone.false_fail is not None
    assert report.everyone.false_fail.value == pytest.approx(np.mean(failing))
    assert report.everyone.false_fail.n == len(near)


def test_faces_outside_the_promise_change_no_demand(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(400)
    inside = faces.take(np.flatnonzero((faces.ages >= 5) & (faces.ages < 30)))
    assert report_of(inside).everyone.demand == report_of(faces).everyone.demand


def test_every_group_has_a_demand_or_a_reason(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(500)
    axes = chosen_axes(faces, ["gender", "gender*race"], "guarantee_by")
    report = report_of(faces, axes=axes, simulate=True)
    assert {group.axis for group in report.groups} == {"gender", "gender x race"}
    for group in report.groups:
        assert (group.demand is None) == bool(group.reason)
    female = next(group for group in report.groups if group.label == "gender female")
    alone = report_of(faces.take(np.flatnonzero(faces.genders == 1)))
    assert female.demand == alone.everyone.demand
    stored = json.loads(json.dumps(report.to_dict()))
    assert stored["max_false_pass"] == 0.2
    assert stored["simulation"]["draws"] == 1000
    assert stored["simulation"]["kept"] >= 0.75
    table = guarantee_table(report)
    assert len(table.rows) == 1 + len(report.groups)
    assert "of 1,000 calibrations" in table.note


def test_predictions_without_distributions_are_compared_by_age(
    labelled_predictions_of: Labelled,
) -> None:
    faces = replace(labelled_predictions_of(400), predictions=None)
    report = report_of(faces)
    assert report.kind is ESTIMATED_AGE
    demand = report.everyone.demand
    assert demand is not None
    minors = (faces.ages >= 5) & (faces.ages < 18)
    assert (faces.age[minors].round(2) >= demand.demand).mean() <= 0.2
    assert "estimated age at least" in guarantee_table(report).columns[2]


def test_too_few_faces_end_the_evaluation(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(400)
    few = faces.take(np.flatnonzero(faces.ages >= 17))
    needed = PROMISE.faces_needed
    with pytest.raises(DataError, match=f"at least {needed} are needed"):
        report_of(few)
    # Duplicates of one person are no further persons.
    with pytest.raises(DataError, match="1 face of 5-17 years"):
        require_minors(np.full(50, 9), np.zeros(50, dtype=np.int64), PROMISE)
    require_minors(np.full(needed, 9), np.arange(needed), PROMISE)
