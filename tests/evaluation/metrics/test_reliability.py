from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import log_loss

from utkage.evaluation.metrics.reliability import (
    ReliabilityBin,
    bin_index,
    expected_calibration_error,
    interval_coverage,
    interval_width,
    negative_log_likelihood,
    reliability_bins,
    risk_coverage,
)

PROBABILITIES = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
TRUE = np.array([False, True, False, True, True])


def test_negative_log_likelihood_against_sklearn() -> None:
    likelihood = np.where(TRUE, PROBABILITIES, 1 - PROBABILITIES)
    expected = log_loss(TRUE, PROBABILITIES)
    assert negative_log_likelihood(likelihood) == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(negative_log_likelihood(np.zeros(2)))


def test_the_calibration_error_by_hand() -> None:
    # Bins of (0.05, 0), (0.15, 0.5) twice and (0.975, 1) twice.
    expected = (1 * 0.05 + 2 * 0.35 + 2 * 0.025) / 5
    assert expected_calibration_error(PROBABILITIES, TRUE) == pytest.approx(expected)


def test_weights_count_faces() -> None:
    weights = np.array([[2, 0, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=np.float32)
    rows = np.array([0, 0, 2])
    found = expected_calibration_error(PROBABILITIES, TRUE, weights)
    assert found == pytest.approx(
        [
            expected_calibration_error(PROBABILITIES[rows], TRUE[rows]),
            expected_calibration_error(PROBABILITIES, TRUE),
        ],
        rel=1e-5,
    )


def test_bins_hold_their_lower_end_and_the_last_one_holds_one() -> None:
    assert bin_index(np.array([0.0, 0.24, 0.25, 0.5, 0.99, 1.0]), 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_reliability_bins_skip_the_empty_ones() -> None:
    first, second, last = reliability_bins(PROBABILITIES, TRUE)
    assert first == ReliabilityBin(0.05, 0.0, 1)
    assert second == ReliabilityBin(0.15, 0.5, 2)
    assert (last.predicted, last.observed, last.n) == (pytest.approx(0.975), 1.0, 2)


def test_width_and_coverage_of_intervals() -> None:
    ages, low, high = np.array([20, 30]), np.array([20.0, 31.0]), np.array([25.0, 42.0])
    assert interval_width(low, high) == 8.0
    assert interval_coverage(ages, low, high) == 0.5


def test_the_most_uncertain_faces_are_rejected_first() -> None:
    coverage, error = risk_coverage(np.array([9.0, 1.0, 2.0]), np.array([30.0, 10.0, 20.0]))
    assert coverage == pytest.approx([1 / 3, 2 / 3, 1])
    assert error == pytest.approx([1, 1.5, 4])


def test_both_ends_belong_to_an_interval() -> None:
    ages = np.array([30] * 5)
    low = np.array([25.0, 30.0, 30.01, 20.0, 20.0])
    high = np.array([35.0, 40.0, 40.0, 30.0, 29.99])
    expected = [True, True, False, True, False]
    assert interval_coverage(ages, low, high) == pytest.approx(np.mean(expected))
    for index, inside in enumerate(expected):
        one = slice(index, index + 1)
        assert interval_coverage(ages[one], low[one], high[one]) == inside


def test_the_calibration_error_of_no_faces_is_nan_and_silent() -> None:
    weights = np.array([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = expected_calibration_error(PROBABILITIES, TRUE, weights)
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_equally_uncertain_faces_keep_their_order() -> None:
    errors = np.arange(40, dtype=float)
    _, mean = risk_coverage(errors, np.array([2.0, 1.0] * 20))
    expected = np.concatenate([errors[1::2], errors[::2]])
    assert mean == pytest.approx(np.cumsum(expected) / np.arange(1, 41))
