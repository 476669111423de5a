import numpy as np
import pytest

from utkage.evaluation.age_errors import (
    cumulative_score,
    group_medians,
    mean_absolute_error,
    mean_error,
    median_absolute_error,
    root_mean_squared_error,
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
