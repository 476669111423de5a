import numpy as np
import pytest

from utkage.evaluation.metrics.age_errors import (
    cumulative_score,
    group_medians,
    mean_absolute_error,
    mean_error,
    median_absolute_error,
    root_mean_squared_error,
    years_outside,
)

AGES = np.array([20, 30, 40, 50])
PREDICTED = np.array([21.0, 28.0, 43.0, 46.0])


def test_by_hand() -> None:
    assert mean_absolute_error(AGES, PREDICTED) == pytest.approx(2.5)
    assert mean_error(AGES, PREDICTED) == pytest.approx(-0.5)
    assert root_mean_squared_error(AGES, PREDICTED) == pytest.approx(np.sqrt(7.5))
    assert median_absolute_error(AGES, PREDICTED) == pytest.approx(2.5)
    assert cumulative_score(AGES, PREDICTED, 3) == pytest.approx(0.75)


def test_weights_count_faces() -> None:
    weights = np.array([[1, 1, 1, 1], [0, 0, 0, 2], [2, 0, 2, 0]], dtype=np.float32)
    assert mean_absolute_error(AGES, PREDICTED, weights) == pytest.approx([2.5, 4.0, 2.0])
    assert median_absolute_error(AGES, PREDICTED, weights) == pytest.approx([2.5, 4.0, 2.0])
    assert cumulative_score(AGES, PREDICTED, 3, weights) == pytest.approx([0.75, 0.0, 1.0])


def test_each_face_gets_the_median_of_its_group() -> None:
    found = group_medians(np.array([1, 3, 10, 20, 60]), np.array([0, 0, 1, 1, 1]))
    assert found.tolist() == [2, 2, 20, 20, 20]


def test_group_medians() -> None:
    ages = np.array([1, 3, 4, 30, 30, 35], dtype=np.int64)
    ranges = np.array([0, 0, 0, 4, 4, 4], dtype=np.int64)
    assert group_medians(ages, ranges).tolist() == [3, 3, 3, 30, 30, 30]


def test_the_median_over_resamples_is_that_of_the_repeated_faces() -> None:
    random = np.random.default_rng(3)
    ages, predicted = random.integers(0, 90, 25), random.normal(40, 20, 25)
    weights = random.integers(0, 3, (20, 25)).astype(np.float32)
    weights[0] = 0
    weights[0, -1] = 1
    found = median_absolute_error(ages, predicted, weights)
    errors = np.abs(predicted - ages)
    for value, counts in zip(found, weights, strict=True):
        assert value == pytest.approx(np.median(np.repeat(errors, counts.astype(int))))


def test_the_median_over_no_faces() -> None:
    nobody = np.empty(0)
    assert np.isnan(median_absolute_error(nobody.astype(np.int64), nobody))
    none_drawn = np.zeros((1, 4), dtype=np.float32)
    assert np.isnan(median_absolute_error(AGES, PREDICTED, none_drawn)).all()


def test_years_outside_a_labelled_range() -> None:
    ranges = np.array([[20, 29]] * 7)
    age = np.array([12.0, 19.4, 19.6, 25.0, 29.4, 29.6, 45.0])
    found = years_outside(ranges, age)
    assert found.tolist() == [-8, -1, 0, 0, 0, 1, 16]
    assert found.dtype == np.int64
