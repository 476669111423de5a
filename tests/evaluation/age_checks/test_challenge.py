"""Challenge ages: shares against a loop, ranges, groups, and what a table cannot show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.core.errors import UsageError
from utkage.evaluation.age_checks.challenge import (
    BAND,
    FALSE_CHALLENGE,
    FALSE_PASS,
    YEAR,
    AgeShares,
    ChallengeGroup,
    PassRule,
    challenge_report,
    group_axes,
)
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE, PROBABILITY
from utkage.evaluation.groups.axes import chosen_axes, standard_axes
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.proportions import proportion
from utkage.evaluation.reports.challenge import challenge_chart, challenge_table

Labelled = Callable[..., LabelledPredictions]
AT_25 = PassRule(kind=ESTIMATED_AGE, demand=25)
AT_HALF = PassRule(kind=PROBABILITY, demand=0.5)
RULES = (AT_25, PassRule(kind=ESTIMATED_AGE, demand=30), AT_HALF)


def report_of(faces: LabelledPredictions, **options: object):  # type: ignore[no-untyped-def]
    return challenge_report(faces, 18, RULES, **{"youngest": 13, **options})  # type: ignore[arg-type]


def one(group: ChallengeGroup, kind: str, first: int) -> AgeShares:
    return next(row for row in group.rows if (row.kind, row.first) == (kind, first))


def test_shares_against_a_loop(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(900)
    assert faces.predictions is not None
    likely = faces.predictions.probability_at_least(18)
    report = report_of(faces)
    wanted = [
        *((BAND, 13, 15), (BAND, 16, 17), (BAND, 18, 24), (BAND, 25, None)),
        *((FALSE_PASS, 13, 17), (FALSE_CHALLENGE, 18, None)),
    ]
    assert [(r.kind, r.first, r.last) for r in report.everyone.rows if r.kind != YEAR] == wanted
    years = [row.first for row in report.everyone.rows if row.kind == YEAR]
    assert years == sorted(set(faces.ages.tolist()))
    for row in report.everyone.rows:
        last = 200 if row.last is None else row.last
        own = [i for i in range(900) if row.first <= faces.ages[i] <= last]
        assert row.n == len(own)
        for rule, share in zip(report.rules, row.shares, strict=True):
            hits = 0
            for i in own:
                if rule.kind is PROBABILITY:
                    passes = round(float(likely[i]), 4) >= rule.demand
                else:
                    passes = round(float(faces.age[i]), 2) >= rule.demand
                hits += passes != (row.kind == FALSE_CHALLENGE)
            assert share.value == pytest.approx(hits / len(own))
            assert share.n == len(own)
            assert (share.low or 0) <= hits / len(own) <= (share.high or 1)
    band = one(report.everyone, BAND, 18)
    rows = np.flatnonzero((faces.ages >= 18) & (faces.ages < 25))
    assert band.shares[0] == proportion(faces.age[rows] >= 24.995, faces.groups[rows])


def test_a_challenge_age_at_the_legal_age_and_a_low_legal_age(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(400)
    report = challenge_report(
        faces, 3, (PassRule(kind=ESTIMATED_AGE, demand=3),), youngest=0, axes=()
    )
    bands = [row.years for row in report.everyone.rows if row.kind == BAND]
    assert bands == ["0", "1-2", "3-9", "10+"]
    assert one(report.everyone, FALSE_PASS, 0).last == 2


def test_every_group_has_its_own_shares(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(600)
    faces = replace(
        faces, attributes={"glasses": tuple("yes" if i % 3 else "" for i in range(600))}
    )
    axes = group_axes([*standard_axes(faces), *chosen_axes(faces, ["glasses*gender"], "group_by")])
    report = report_of(faces, axes=axes)
    names = list(dict.fromkeys(group.axis for group in report.groups))
    assert names == ["", "gender", "race", "source", "gender x race", "glasses x gender"]
    for label, mask in (
        ("gender female", faces.genders == 1),
        ("glasses x gender yes, male", (np.arange(600) % 3 > 0) & (faces.genders == 0)),
    ):
        group = next(group for group in report.groups if group.label == label)
        alone = report_of(faces.take(np.flatnonzero(mask)))
        assert group.rows == tuple(row for row in alone.everyone.rows if row.kind != YEAR)
    small = [row for group in report.groups for row in group.rows if row.small]
    assert small
    assert all(row.n < 30 for row in small)
    table = challenge_table(report, {("gender", "male"), ("gender", "female")}, years=False)
    assert {row[0].text.removesuffix(" (few faces)") for row in table.rows} == {
        *("all faces", "gender male", "gender female")
    }
    assert len(challenge_table(report).muted) == len(small)


def test_ages_that_are_ranges_count_where_they_belong_or_are_said_to_count_nowhere(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(40)
    ends = [(13, 15), (10, 19), (20, 29), (18, 24)] * 10
    faces = replace(
        faces,
        ages=np.full(40, -1),
        age_ranges=np.array(ends, dtype=np.int64),
        groups=np.arange(40),
    )
    report = report_of(faces)
    assert report.on_both_sides == 10
    assert [(row.kind, row.years, row.n) for row in report.everyone.rows] == [
        *((BAND, "13-15", 10), (BAND, "18-24", 10)),
        *((FALSE_PASS, "13-17", 10), (FALSE_CHALLENGE, "18+", 20)),
    ]
    assert "labelled range of 10 faces lies on both sides of 18" in challenge_table(report).note
    assert challenge_chart(report) is None


def test_without_minors_the_false_pass_is_unknown(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(200)
    report = report_of(faces.take(np.flatnonzero(faces.ages >= 18)))
    row = one(report.everyone, FALSE_PASS, 13)
    assert (row.n, row.shares[0].value) == (0, None)
    table = challenge_table(report, years=False)
    cells = next(cells for cells in table.rows if cells[2].text == "false pass (FPR)")
    assert [cell.text for cell in cells[3:]] == ["0", "-", "-", "-"]


def test_a_table_of_ages_says_what_is_missing(labelled_predictions_of: Labelled) -> None:
    faces = replace(labelled_predictions_of(200), predictions=None)
    report = report_of(faces)
    assert report.rules == RULES[:2]
    assert "no P(age >= 18)" in report.missing
    assert report.missing in challenge_table(report).note
    assert report.to_dict()["missing"] == report.missing
    given = replace(faces, at_least={18: (faces.age >= 40).astype(float)})
    known = report_of(given)
    assert (known.rules, known.missing) == (RULES, "")
    adults = one(known.everyone, FALSE_CHALLENGE, 18)
    assert adults.shares[2].value == pytest.approx((faces.age < 40)[faces.ages >= 18].mean())


def test_faces_without_both_ages_are_left_out_or_refused(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(100)
    some = replace(
        faces,
        predictions=None,
        age=np.where(np.arange(100) < 50, faces.age, np.nan),
        ages=np.where(np.arange(100) < 40, faces.ages, -1),
    )
    report = report_of(some)
    assert sum(row.n for row in report.everyone.rows if row.kind == YEAR) == 40
    with pytest.raises(UsageError, match="`challenge` needs labelled and estimated ages"):
        report_of(replace(some, ages=np.full(100, -1)))


def test_the_object_is_json_and_the_chart_has_a_line_for_each_rule(
    labelled_predictions_of: Labelled,
) -> None:
    report = report_of(labelled_predictions_of(300))
    found = json.loads(json.dumps(report.to_dict()))
    assert found["rules"][2] == {"score": "probability", "demand": 0.5}
    assert found["groups"][0]["name"] == "all faces"
    assert {"kind", "first", "last", "n", "small", "shares"} == set(found["groups"][0]["rows"][0])
    chart = challenge_chart(report)
    assert chart is not None
    labels = chart.axes[0].get_legend_handles_labels()[1]
    assert labels == ["estimated 25 or older", "estimated 30 or older", "P(age >= 18) at least 50%"]


def test_pictures_of_one_person_widen_the_intervals(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(150)
    once = replace(faces, groups=np.arange(150))
    four = replace(once.take(np.repeat(np.arange(150), 4)), groups=np.repeat(np.arange(150), 4))
    alone, together = (one(report_of(f).everyone, BAND, 25).shares[0] for f in (once, four))
    assert together.n == 4 * alone.n
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), abs=0.01)
    assert report_of(once).intervals == "Intervals: Clopper and Pearson."
    assert "450 pictures of the same persons" in report_of(four).intervals
