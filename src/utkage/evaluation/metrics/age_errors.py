"""Errors of predicted ages, optionally over bootstrap weights (see ``bootstrap``).

``ages`` are true whole years, (n,); ``predicted`` are point estimates in years, (n,).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utkage.evaluation.metrics.bootstrap import Floats, Ints, Weights, weighted_mean


def mean_absolute_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """MAE: mean of ``|predicted - age|``, in years."""
    return weighted_mean(np.abs(predicted - ages), weights)


def root_mean_squared_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """RMSE: root of the mean of ``(predicted - age) ** 2``, in years."""
    return weighted_mean(np.square(predicted - ages), weights) ** 0.5


def median_absolute_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """Median of ``|predicted - age|``, in years."""
    return MedianError(ages, predicted)(weights)


class MedianError:
    """``median_absolute_error`` of the same faces over many weights: they are sorted once."""

    def __init__(self, ages: Ints, predicted: Floats) -> None:
        errors = np.abs(predicted - ages)
        self._order = np.argsort(errors)
        self._errors = errors[self._order]

    def __call__(self, weights: Weights) -> Any:
        """The median, in years; one for each row of weights, NaN for a row without faces."""
        errors = self._errors
        if weights is None:
            return float(np.median(errors)) if len(errors) else float("nan")
        below = np.cumsum(weights[:, self._order], axis=1, dtype=np.float64)
        half = below[:, -1:] / 2
        last = len(errors) - 1
        lower = np.minimum((below < half).sum(axis=1), last)
        upper = np.minimum((below <= half).sum(axis=1), last)
        return np.where(half[:, 0] > 0, (errors[lower] + errors[upper]) / 2, np.nan)


def mean_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """Bias: mean of ``predicted - age``, in years; positive if predictions are too old."""
    return weighted_mean(predicted - ages, weights)


def cumulative_score(
    ages: Ints, predicted: Floats, tolerance: float, weights: Weights = None
) -> Any:
    """CS@k: share of faces whose error is at most ``tolerance`` years (Geng et al. 2007)."""
    return weighted_mean(np.abs(predicted - ages) <= tolerance, weights)


def group_medians(ages: Ints, groups: Ints) -> Floats:
    """The median age of all faces in each face's group, (n,).

    One group gives the best constant prediction. Age ranges as groups give the best prediction of
    an oracle that receives the true range and no picture. Any MAE measured with the true range as
    an input must be compared with that oracle's.
    """
    medians = np.zeros(len(ages))
    for index in np.unique(groups):
        medians[groups == index] = np.median(ages[groups == index])
    return medians


def years_outside(ranges: Ints, age: Floats) -> Ints:
    """Whole years by which each predicted age misses a labelled range, (n,).

    Positive: predicted too old; 0: the predicted whole year is in the range. ``ranges`` holds the
    first and the last year, (n, 2).
    """
    years = np.rint(age).astype(np.int64)
    low, high = ranges.T
    return np.asarray(np.maximum(years - high, 0) - np.maximum(low - years, 0))
