from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from partial_labels import with_ranges, without
from sklearn import metrics as sklearn

from utkage.evaluation.age_errors import (
    cumulative_score,
    mean_absolute_error,
    mean_error,
)
from utkage.evaluation.bootstrap import Bootstrap, Estimate
from utkage.evaluation.classification import accuracy
from utkage.evaluation.labelled_predictions import (
    AGE,
    AGE_RANGE,
    GENDER,
    GENDER_PROBABILITY,
    LabelledPredictions,
)
from utkage.evaluation.metrics import (
    METRICS,
    format_estimate,
    format_value,
)
from utkage.evaluation.populations import populations

LabelledPredictionsOf = Callable[..., LabelledPredictions]
PAIRS = st.lists(
    st.tuples(st.integers(0, 116), st.floats(0, 120, allow_subnormal=False)),
    min_size=1,
    max_size=40,
)


def arrays(pairs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([age for age, _ in pairs]), np.array([guess for _, guess in pairs])


@settings(deadline=None)
@given(PAIRS)
def test_errors_against_sklearn_and_loops(pairs: list[tuple[int, float]]) -> None:
    ages, guesses = arrays(pairs)
    mae = mean_absolute_error(ages, guesses)
    assert mae == pytest.approx(sklearn.mean_absolute_error(ages, guesses))
    bias = mean_error(ages, guesses)
    assert bias == pytest.approx(sum(guess - age for age, guess in pairs) / len(pairs), abs=1e-9)
    assert abs(bias) <= mae + 1e-9
    for tolerance in (0, 5, 120):
        inside = sum(abs(guess - age) <= tolerance for age, guess in pairs)
        assert cumulative_score(ages, guesses, tolerance) == pytest.approx(inside / len(pairs))
    assert cumulative_score(ages, guesses, 120) == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_accuracy_against_sklearn(pairs: list[tuple[int, int]]) -> None:
    truth, guess = (np.array(column) for column in zip(*pairs, strict=True))
    assert accuracy(truth, guess) == pytest.approx(sklearn.accuracy_score(truth, guess))


def test_signs_and_edges() -> None:
    ages = np.array([20, 30])
    assert mean_error(ages, np.array([25.0, 31.0])) == 3
    assert cumulative_score(ages, np.array([25.0, 35.001]), 5) == 0.5


def test_values_as_text() -> None:
    assert format_value(None, "share") == "-"
    assert format_value(0.5, "share") == "50.0%"
    assert format_value(4.256, "years") == "4.26"
    assert format_estimate(Estimate(4.2, 4.0, 4.4, 9), "years") == "4.20 (4.00 to 4.40)"
    assert format_estimate(Estimate(0.2, None, None, 1), "") == "0.200"


def test_each_metric_is_that_of_the_faces_with_its_label(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    whole = labelled_predictions_of(120)
    faces = with_ranges(without(whole, GENDER, np.arange(0, 20)), np.arange(10, 60))
    faces = without(faces, AGE, np.arange(60, 70))
    parts = {
        AGE: np.r_[0:10, 70:120],
        GENDER: np.arange(20, 120),
        GENDER_PROBABILITY: np.arange(20, 120),
        AGE_RANGE: np.arange(10, 60),
    }
    for label, rows in parts.items():
        assert np.flatnonzero(faces.labelled(label)).tolist() == rows.tolist()
    bootstrap = Bootstrap.draw(faces.groups, 200)
    found = populations(faces, bootstrap)[0].metrics
    for name, estimate in found.items():
        rows = parts[METRICS[name].needs]
        alone = METRICS[name].statistic(faces.take(rows))
        assert estimate.n == len(rows)
        assert estimate.value == pytest.approx(float(alone(None)))
        drawn = np.asarray(alone(bootstrap.counts[:, rows].astype(np.float32)))
        assert estimate.low == pytest.approx(np.nanquantile(drawn, 0.025))
    assert set(found) == set(METRICS)
