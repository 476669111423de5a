from collections.abc import Callable

import numpy as np
import pytest

from utkage.evaluation.age_checks.thresholds import DEMANDS, threshold_curve
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_threshold_rates_against_a_loop(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(300)
    assert faces.predictions is not None
    # As rows of `predict` hold it.
    likely = faces.predictions.probability_at_least(18).round(4)
    curve = threshold_curve(faces.ages, likely, 18, faces.groups)
    young = [i for i in range(300) if faces.ages[i] < 18]
    assert (curve.younger, curve.older) == (len(young), 300 - len(young))
    for point in curve.points:
        passed = [likely[i] >= point.demand for i in young]
        assert point.false_pass.value == pytest.approx(np.mean(passed))
        near = [likely[i] < point.demand for i in range(300) if 18 <= faces.ages[i] < 25]
        assert point.near_false_fail.value == pytest.approx(np.mean(near))
        near_young = [likely[i] >= point.demand for i in range(300) if 11 <= faces.ages[i] < 18]
        assert point.near_false_pass.value == pytest.approx(np.mean(near_young))
    assert curve.near_younger == len(near_young)
    assert curve.near_older == len(near)
    for band in curve.bands:
        own = [likely[i] >= 0.5 for i in range(300) if band.first <= faces.ages[i] <= band.last]
        assert band.passed.value == pytest.approx(np.mean(own))
        assert band.passed.n == len(own)
    assert [(band.first, band.last) for band in curve.bands] == [
        *((11, 12), (13, 15), (16, 17)),
        *((18, 19), (20, 22), (23, 24)),
    ]
    falls = [point.false_pass.value or 0.0 for point in curve.points]
    rises = [point.false_fail.value or 0.0 for point in curve.points]
    assert falls == sorted(falls, reverse=True)
    assert rises == sorted(rises)
    assert [point.demand for point in curve.points] == list(DEMANDS)
    assert curve.expected == pytest.approx(curve.observed, abs=0.03)
    assert curve.to_dict()["points"][0]["false_pass"]["n"] == len(young)


def test_a_rate_of_none_and_of_all_has_an_exact_interval() -> None:
    """The bootstrap would say 0.0% (0.0% to 0.0%): no resample has what no face shows."""
    ages = np.repeat([12, 15, 20, 30], 10)
    likely = np.where(ages < 18, 0.0, 1.0)
    curve = threshold_curve(ages, likely, 18, np.arange(40))
    for point in curve.points:
        for found, n in (
            *((point.false_pass, 20), (point.false_fail, 20)),
            *((point.near_false_pass, 20), (point.near_false_fail, 10)),
        ):
            assert (found.value, found.low, found.n) == (0, 0, n)
            # All n faces are right with a probability of 2.5 % if this is the rate.
            assert found.high == pytest.approx(1 - 0.025 ** (1 / n))
    ends = [(band.passed.value, band.passed.low, band.passed.high) for band in curve.bands]
    assert ends[0] == pytest.approx((0, 0, 1 - 0.025 ** (1 / 10)))
    assert ends[-1] == pytest.approx((1, 0.025 ** (1 / 10), 1))
    # Ten pictures of each person are as good as one.
    copies = threshold_curve(ages, likely, 18, np.arange(40) // 10)
    assert copies.points[0].false_pass.high == pytest.approx(1 - 0.025 ** (1 / 2))
