import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from sklearn import metrics as sklearn

from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.classification import (
    accuracy,
    area_under_curve,
    balanced_accuracy,
    false_rate,
    macro_f1,
    one_off_accuracy,
    recall,
)

Score = Callable[..., float]
RANDOM = np.random.default_rng(7)
# Class 3 is never predicted, class 4 never true, class 5 neither.
TRUTH = RANDOM.choice([0, 1, 2, 3], 60)
PREDICTED = np.where(RANDOM.random(60) < 0.5, TRUTH % 3, RANDOM.choice([0, 1, 2, 4], 60))
# How often each face is in a resample; the first resample has one of each.
WEIGHTS = np.concatenate([np.ones((1, 60)), RANDOM.integers(0, 4, (4, 60))]).astype(np.float32)


def sklearn_recall(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(sklearn.recall_score(truth == 1, predicted == 1))


def sklearn_macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    found = sklearn.f1_score(truth, predicted, average="macro", labels=np.unique(truth))
    return float(found)


def one_off(truth: np.ndarray, predicted: np.ndarray) -> float:
    return sum(abs(t - p) <= 1 for t, p in zip(truth, predicted, strict=True)) / len(truth)


def assert_same_over_resamples(own: Score, other: Score, truth: np.ndarray, guess: np.ndarray):
    assert own(truth, guess) == pytest.approx(other(truth, guess))
    found = own(truth, guess, weights=WEIGHTS)
    assert found.shape == (5,)
    for value, counts in zip(found, WEIGHTS, strict=True):
        rows = np.repeat(np.arange(60), counts.astype(int))
        assert value == pytest.approx(other(truth[rows], guess[rows]), rel=1e-5)


def test_rates_of_ranges_against_sklearn() -> None:
    assert_same_over_resamples(accuracy, sklearn.accuracy_score, TRUTH, PREDICTED)
    assert_same_over_resamples(one_off_accuracy, one_off, TRUTH, PREDICTED)
    assert_same_over_resamples(macro_f1, sklearn_macro_f1, TRUTH, PREDICTED)
    assert macro_f1(np.array([0, 0]), np.array([1, 1])) == 0


def test_a_rare_wrong_prediction_does_not_widen_macro_f1() -> None:
    """A single face of 500 is predicted to be of a class that none has."""
    truth, guess = np.repeat([0, 1], 250), np.repeat([0, 1], 250)
    guess[0] = 2
    bootstrap = Bootstrap.draw(np.arange(500))
    found = bootstrap.estimates({"f1": partial(macro_f1, truth, guess)})["f1"]
    assert found.value == pytest.approx((498 / 499 + 1) / 2)
    assert found.low is not None
    assert found.low > 0.99


def test_rates_of_genders_against_sklearn() -> None:
    truth, guess = TRUTH % 2, PREDICTED % 2

    def of_women(truth: np.ndarray, guess: np.ndarray, weights: object = None) -> float:
        return recall(truth, guess, 1, weights)

    def women_as_men(truth: np.ndarray, guess: np.ndarray, weights: object = None) -> float:
        return false_rate(truth, guess, 1, weights)

    assert_same_over_resamples(of_women, sklearn_recall, truth, guess)
    assert_same_over_resamples(women_as_men, lambda t, p: 1 - sklearn_recall(t, p), truth, guess)
    assert_same_over_resamples(balanced_accuracy, sklearn.balanced_accuracy_score, truth, guess)
    scores = RANDOM.integers(0, 6, 60) / 5
    assert_same_over_resamples(area_under_curve, sklearn.roc_auc_score, truth, scores)


def test_rates_without_a_face_of_the_class_are_nan_and_silent() -> None:
    truth, guess = np.array([0, 0, 1]), np.array([0, 1, 1])
    without_women = np.array([[1, 2, 0], [1, 0, 1]], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (
            recall(truth, guess, 1, without_women),
            balanced_accuracy(truth, guess, without_women),
            area_under_curve(truth, np.array([0.1, 0.6, 0.7]), without_women),
        ):
            assert np.isnan(found[0])
            assert found[1] == 1
        assert np.isnan(macro_f1(truth[:0], guess[:0]))
        nobody = np.zeros((1, 3), dtype=np.float32)
        assert np.isnan(macro_f1(truth, guess, nobody)).all()
        assert np.isnan(recall(truth, guess, 1, nobody)).all()


def test_auc_with_equal_scores() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 2, 200), random.integers(0, 5, 200) / 4
    assert area_under_curve(truth, scores) == pytest.approx(sklearn.roc_auc_score(truth, scores))
    assert np.isnan(area_under_curve(np.ones(3, dtype=np.int64), np.ones(3)))
