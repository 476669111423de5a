from collections.abc import Callable

import numpy as np
import pytest

from utkage.evaluation.age_checks.thresholds import DEMANDS, threshold_curve
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_threshold_rates_against_a_loop(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(300)
    assert faces.predictions is not None
    # As rows of `predict` hold it.
    likely = faces.predictions.probability_at_least(18).round(4)
    curve = threshold_curve(faces.ages, likely, 18, Bootstrap.draw(faces.groups, 100))
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
