from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.prediction.predictions import distribution_quantile
from utkage.prediction.running_mean import WEAK_WEIGHT, RunningMean

Labelled = Callable[..., LabelledPredictions]


def test_the_mean_of_distributions(labelled_predictions_of: Labelled) -> None:
    seen = labelled_predictions_of(7).predictions
    weights = np.array([1, WEAK_WEIGHT, 1, 1, WEAK_WEIGHT, 1, 1])
    running = RunningMean()
    for index, weight in enumerate(weights):
        running.add(seen[index], weak=bool(weight < 1))
    share = weights / weights.sum()
    found = running.prediction
    np.testing.assert_allclose(found.age_distribution[0], share @ seen.age_distribution)
    np.testing.assert_allclose(found.range_probabilities[0], share @ seen.range_probabilities)
    np.testing.assert_allclose(found.p_female, share @ seen.p_female)
    expected = distribution_quantile((share @ seen.age_distribution)[None], 0.5)
    np.testing.assert_allclose(found.age, expected)
    assert running.count == 7
    assert len(found) == 1


def test_the_shown_age_holds_still(labelled_predictions_of: Labelled) -> None:
    random = np.random.default_rng(0)
    years = np.arange(117)
    running, shown = RunningMean(), []
    base = labelled_predictions_of(1).predictions
    for _ in range(200):
        age = 30.4 + random.normal(0, 1.5)
        distribution = np.exp(-0.5 * ((years - age) / 4) ** 2)[None]
        distribution /= distribution.sum()
        running.add(type(base)(base.age, distribution, base.range_probabilities, base.p_female))
        shown.append(running.shown_age)
    assert np.count_nonzero(np.diff(shown[10:])) <= 1
    assert abs(shown[-1] - 30.4) <= 1


def test_nothing_was_seen_yet() -> None:
    with pytest.raises(ValueError, match="no prediction"):
        _ = RunningMean().prediction
    with pytest.raises(ValueError, match="no prediction"):
        _ = RunningMean().shown_age
