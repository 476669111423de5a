"""Errors of predicted ages. All take weights, as ``bootstrap`` explains, and none needs them.

``ages`` are true whole years (n,), ``predicted`` point estimates in years (n,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.bootstrap import Weights, weighted_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def mean_absolute_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """MAE: mean of ``|predicted - age|``, in years."""
    return weighted_mean(np.abs(predicted - ages), weights)


def root_mean_squared_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """RMSE: root of the mean of ``(predicted - age) ** 2``, in years; large errors weigh more."""
    found = np.sqrt(weighted_mean(np.square(predicted - ages), weights))
    return float(found) if weights is None else found


def median_absolute_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """Median of ``|predicted - age|``, in years; a few large errors do not move it.

    Of an even number of faces the mean of the two in the middle.
    """
    errors = np.abs(predicted - ages)
    if weights is None:
        return float(np.median(errors)) if len(errors) else float("nan")
    order = np.argsort(errors)
    errors = errors[order]
    below = np.cumsum(weights[:, order], axis=1, dtype=np.float64)
    half = below[:, -1:] / 2
    last = len(errors) - 1
    lower = np.minimum((below < half).sum(axis=1), last)
    upper = np.minimum((below <= half).sum(axis=1), last)
    return (errors[lower] + errors[upper]) / 2


def mean_error(ages: Ints, predicted: Floats, weights: Weights = None) -> Any:
    """Bias: mean of ``predicted - age``, in years; above 0 means guessed too old."""
    return weighted_mean(predicted - ages, weights)


def cumulative_score(
    ages: Ints, predicted: Floats, tolerance: float, weights: Weights = None
) -> Any:
    """CS@k: share of faces whose error is at most ``tolerance`` years (Geng et al. 2007)."""
    return weighted_mean(np.abs(predicted - ages) <= tolerance, weights)


def group_medians(ages: Ints, groups: Ints) -> Floats:
    """For each face the median age of all faces of its group, (n,).

    With one group: the best answer of somebody who never looks. With age ranges as groups: what an
    oracle answers that is told the true range and never looks at the picture, the yardstick for
    any error measured with the true range fed in.
    """
    medians = np.zeros(len(ages))
    for index in np.unique(groups):
        medians[groups == index] = np.median(ages[groups == index])
    return medians
