from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from utkage.evaluation.bootstrap import Bootstrap
from utkage.evaluation.comparison import compare_predictions, mcnemar
from utkage.evaluation.guards import gender_is_inverted
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.thresholds import DEMANDS, threshold_curve

Answered = Callable[..., LabelledPredictions]


def test_the_exact_test_against_the_binomial() -> None:
    first = np.array([True] * 12 + [False] * 4 + [True] * 50)
    second = np.array([False] * 12 + [True] * 4 + [True] * 50)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (12, 4)
    assert found.p_value == pytest.approx(2 * binom.cdf(4, 16, 0.5))
    assert mcnemar(first, first).p_value == 1


def test_pairing_sees_what_single_intervals_do_not(labelled_predictions_of: Answered) -> None:
    first = labelled_predictions_of(300)
    # Every error a little smaller: tiny beside the spread over faces, yet sure.
    second = replace(first, age=first.ages + (first.age - first.ages) * 0.95)
    bootstrap = Bootstrap.draw(first.groups, 500)
    found = compare_predictions(("a", "b"), first, second, bootstrap)
    difference = found.differences["mae"]
    assert difference.value is not None
    assert difference.high is not None
    assert difference.high < 0
    ours, theirs = found.values["mae"]
    assert ours is not None
    assert theirs is not None
    assert difference.value == pytest.approx(theirs - ours)
    assert found.differences["gender_accuracy"].value == 0
    assert found.gender.p_value == 1
    assert found.to_dict()["figures"]["mae"]["first"] == pytest.approx(ours, abs=1e-4)


def test_other_faces_cannot_be_compared(labelled_predictions_of: Answered) -> None:
    first = labelled_predictions_of(20)
    other = replace(first, names=first.names[::-1])
    with pytest.raises(ValueError, match="same faces"):
        compare_predictions(("a", "b"), first, other, Bootstrap.draw(first.groups, 5))


def test_gender_coded_the_other_way_round() -> None:
    random = np.random.default_rng(0)
    genders = random.integers(0, 2, 200)
    female = np.where(genders == 1, 0.8, 0.2) + random.uniform(-0.15, 0.15, 200)
    assert gender_is_inverted(1 - genders, female)
    assert not gender_is_inverted(genders, female)
    assert not gender_is_inverted(genders, random.uniform(0, 1, 200))
    assert not gender_is_inverted(1 - genders[:20], female[:20])


def test_threshold_rates_against_a_loop(labelled_predictions_of: Answered) -> None:
    faces = labelled_predictions_of(300)
    assert faces.predictions is not None
    curve = threshold_curve(faces.ages, faces.predictions, 18, Bootstrap.draw(faces.groups, 100))
    likely = faces.predictions.probability_at_least(18)
    young = [i for i in range(300) if faces.ages[i] < 18]
    assert (curve.younger, curve.older) == (len(young), 300 - len(young))
    for point in curve.points:
        passed = [likely[i] >= point.demand for i in young]
        assert point.false_pass.value == pytest.approx(np.mean(passed))
        near = [likely[i] < point.demand for i in range(300) if 18 <= faces.ages[i] < 25]
        assert point.near_false_fail.value == pytest.approx(np.mean(near))
    falls = [point.false_pass.value or 0.0 for point in curve.points]
    rises = [point.false_fail.value or 0.0 for point in curve.points]
    assert falls == sorted(falls, reverse=True)
    assert rises == sorted(rises)
    assert [point.demand for point in curve.points] == list(DEMANDS)
    assert curve.expected == pytest.approx(curve.observed, abs=0.03)
    assert curve.to_dict()["points"][0]["false_pass"]["n"] == len(young)
