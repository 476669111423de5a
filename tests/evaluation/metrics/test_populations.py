"""Every metric against scikit-learn or a slow loop, plain and over a resample."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from partial_labels import with_ranges
from sklearn import metrics as sklearn

from utkage.data.labels import range_index
from utkage.evaluation.inputs.labelled_predictions import AGE_RANGE, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.registry import METRICS, statistics

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def slow(faces: LabelledPredictions, rows: np.ndarray) -> dict[str, float]:
    """The figures over ``rows``, some of them repeated, one face at a time."""
    whole, faces = faces, faces.take(rows)
    ages, genders, gender, p = faces.ages, faces.genders, faces.gender, faces.p_female
    ranges, guessed = [range_index(int(age)) for age in ages], list(faces.range_index)
    errors = [abs(float(faces.age[i]) - int(ages[i])) for i in range(len(ages))]
    predictions = faces.predictions
    assert predictions is not None
    found = {
        "mae": sklearn.mean_absolute_error(ages, faces.age),
        "rmse": sklearn.mean_squared_error(ages, faces.age) ** 0.5,
        "median_error": sklearn.median_absolute_error(ages, faces.age),
        "bias": sum(float(faces.age[i]) - int(ages[i]) for i in range(len(ages))) / len(ages),
        "range_accuracy": sklearn.accuracy_score(ranges, guessed),
        "range_one_off": np.mean([abs(a - b) <= 1 for a, b in zip(ranges, guessed, strict=True)]),
        "range_macro_f1": sklearn.f1_score(ranges, guessed, average="macro"),
        "gender_accuracy": sklearn.accuracy_score(genders, gender),
        "gender_balanced_accuracy": sklearn.balanced_accuracy_score(genders, gender),
        "gender_auc": sklearn.roc_auc_score(genders, p),
        "men_as_women": np.mean(gender[genders == 0] == 1),
        "women_as_men": np.mean(gender[genders == 1] == 0),
        "gender_nll": sklearn.log_loss(genders, p),
        "range_nll": sklearn.log_loss(ranges, predictions.range_probabilities, labels=range(9)),
    }
    for k in range(1, 11):
        found[f"cs{k}"] = sum(error <= k for error in errors) / len(errors)
    for level in (0.8, 0.9):
        low, high = predictions.age_interval(level)
        found[f"coverage_{level * 100:.0f}"] = np.mean(
            [low[i] <= ages[i] <= high[i] for i in range(len(ages))]
        )
        found[f"width_{level * 100:.0f}"] = np.mean(high - low)
    surest = predictions.range_probabilities.max(axis=1)
    right = np.array(ranges) == np.array(guessed)
    for name, predicted, true in (
        ("gender_ece", p, genders == 1),
        ("range_ece", surest, right),
    ):
        error = 0.0
        for first in range(10):
            own = [i for i in range(len(ages)) if min(9, int(predicted[i] * 10)) == first]
            if own:
                error += abs(sum(predicted[own]) - sum(true[own])) / len(ages)
        found[name] = error
    # Baselines are fixed by the faces as they are, not by a resample of them.
    median = np.median(whole.ages)
    found["baseline_mae"] = np.mean(np.abs(ages - median))
    medians = {r: np.median(whole.ages[whole.ranges == r]) for r in set(ranges)}
    found["oracle_median_mae"] = np.mean(
        [abs(a - medians[r]) for a, r in zip(ages, ranges, strict=True)]
    )
    majority = int(whole.genders.mean() >= 0.5)
    found["baseline_gender"] = np.mean(genders == majority)
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_metrics_against_slow_ones(
    labelled_predictions_of: LabelledPredictionsOf, seed: int
) -> None:
    faces = labelled_predictions_of(120, seed, error=9.0)
    fast = statistics(faces)
    assert list(fast) == [name for name, found in METRICS.items() if found.needs != AGE_RANGE]
    expected = slow(faces, np.arange(120))
    assert {name: float(f(None)) for name, f in fast.items()} == pytest.approx(expected, abs=1e-6)
    bootstrap = Bootstrap.draw(faces.groups, 5, seed)
    found = {name: f(bootstrap.counts.astype(np.float32)) for name, f in fast.items()}
    for resample, counts in enumerate(bootstrap.counts):
        expected = slow(faces, np.repeat(np.arange(120), counts))
        here = {name: float(values[resample]) for name, values in found.items()}
        assert here == pytest.approx(expected, abs=1e-4)


def test_populations(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(150)
    everyone, adults, protocol = populations(faces, Bootstrap.draw(faces.groups, 200))
    assert (everyone.n, adults.n) == (150, int((faces.ages >= 16).sum()))
    rows = np.flatnonzero((faces.ages >= 21) & (faces.ages <= 60))
    assert protocol.metrics["mae"].value == pytest.approx(
        np.abs(faces.age - faces.ages)[rows].mean()
    )
    for found in everyone.metrics.values():
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.high
        assert found.n == 150
    children = faces.take(np.flatnonzero(faces.ages < 16))
    nobody = populations(children, Bootstrap.draw(children.groups, 20))[1]
    assert nobody.n == 0
    assert nobody.metrics["mae"] == Estimate(None, None, None, 0)


def test_numbers_alone_have_no_intervals(labelled_predictions_of: LabelledPredictionsOf) -> None:

    faces = replace(labelled_predictions_of(30), predictions=None)
    names = set(statistics(faces))
    assert {"mae", "gender_auc", "range_accuracy"} <= names
    assert not {"coverage_80", "range_nll", "width_90"} & names


def test_populations_hold_only_faces_that_certainly_belong(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = with_ranges(labelled_predictions_of(150), np.arange(150))
    everyone, adults, protocol = populations(faces, Bootstrap.draw(faces.groups, 20))
    low, high = faces.allowed_ages.T
    assert everyone.n == 150
    assert adults.n == int((low >= 16).sum())
    assert protocol.n == int(((low >= 21) & (high <= 60)).sum())
