"""Challenge ages of two predictors on the same faces, against a loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.evaluation.age_checks.challenge import FALSE_CHALLENGE, PassRule
from utkage.evaluation.age_checks.challenge_comparison import (
    ChallengeComparison,
    compare_challenges,
)
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE, PROBABILITY
from utkage.evaluation.groups.axes import chosen_axes
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.reports.challenge import challenge_comparison_table

Labelled = Callable[..., LabelledPredictions]
RULES = (PassRule(kind=ESTIMATED_AGE, demand=25), PassRule(kind=PROBABILITY, demand=0.5))


def compared(first: LabelledPredictions, second: LabelledPredictions) -> ChallengeComparison:
    return compare_challenges(
        ("one", "two"),
        first,
        second,
        18,
        RULES,
        Bootstrap.draw(first.groups, 200),
        youngest=13,
        axes=chosen_axes(first, ["gender"], "group_by"),
    )


def test_paired_differences_against_a_loop(labelled_predictions_of: Labelled) -> None:
    first = labelled_predictions_of(500)
    second = replace(first, age=first.age + np.random.default_rng(1).normal(2, 3, 500))
    found = compared(first, second)
    assert [row.group.label for row in found.rows] == [
        *["all faces"] * 6,
        *["gender male"] * 6,
        *["gender female"] * 6,
    ]
    drawn = Bootstrap.draw(first.groups, 200).counts.astype(float)
    for row in found.rows:
        last = 200 if row.first.last is None else row.first.last
        genders = {"all faces": (0, 1), "gender male": (0,), "gender female": (1,)}
        own = [
            i
            for i in range(500)
            if row.first.first <= first.ages[i] <= last
            and first.genders[i] in genders[row.group.label]
        ]
        assert row.first.n == row.second.n == len(own)
        wrong = row.first.kind == FALSE_CHALLENGE
        ours, theirs = (
            np.array([(round(float(each.age[i]), 2) >= 25) != wrong for i in own])
            for each in (first, second)
        )
        assert row.first.shares[0].value == pytest.approx(ours.mean())
        assert row.second.shares[0].value == pytest.approx(theirs.mean())
        difference = row.differences[0]
        assert difference.value == pytest.approx(theirs.mean() - ours.mean(), abs=1e-6)
        weights = drawn[:, own]
        with np.errstate(invalid="ignore"):
            slow = weights @ (theirs.astype(float) - ours) / weights.sum(axis=1)
        low, high = np.nanquantile(slow, [0.025, 0.975])
        assert (difference.low, difference.high) == pytest.approx((low, high), abs=1e-5)
        # Only the estimated ages differ.
        assert row.differences[1].value == 0


def test_a_predictor_without_probabilities_is_named(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(300)
    found = compared(faces, replace(faces, predictions=None))
    assert found.rules == RULES[:1]
    assert len(found.missing) == 1
    assert found.missing[0].startswith("two: These predictions have no P(age >= 18)")
    table = challenge_comparison_table(found, ("one", "two"), ())
    assert len(table.rows) == 6
    assert table.note == found.missing[0]
    assert table.columns[4:] == (
        *("estimated 25 or older: one", "estimated 25 or older: two"),
        "estimated 25 or older: second minus first (95 % interval)",
    )
    stored = json.loads(json.dumps(found.to_dict()))
    assert stored["rules"] == [{"score": "estimated_age", "demand": 25}]
    row = stored["rows"][0]
    assert (row["axis"], row["name"], row["kind"]) == ("", "all faces", "band")
    assert (row["first"], row["last"], row["n"]) == (13, 15, found.rows[0].first.n)
    assert set(row["shares"][0]) == {"first", "second", "difference"}
    assert row["shares"][0]["difference"]["value"] == 0


def test_pairs_without_minors_have_no_difference(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(200)
    adults = faces.take(np.flatnonzero(faces.ages >= 25))
    found = compared(adults, adults)
    minors = next(row for row in found.rows if row.first.kind == "false_pass")
    assert (minors.first.n, minors.differences[0].value) == (0, None)
