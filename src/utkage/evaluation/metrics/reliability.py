"""Whether probabilities and intervals are calibrated, optionally over bootstrap weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.metrics.bootstrap import (
    Floats,
    Ints,
    Weights,
    as_statistic,
    weighted_mean,
    weighted_sums,
)

BINS = 10
_SMALLEST = 1e-12


def negative_log_likelihood(likelihood: Floats, weights: Weights = None) -> Any:
    """NLL: mean of ``-log p`` over the predicted probability (n,) of each true class, in nats."""
    return weighted_mean(-np.log(np.maximum(likelihood, _SMALLEST)), weights)


def expected_calibration_error(
    probabilities: Floats, true: NDArray[np.bool_], weights: Weights = None, bins: int = BINS
) -> Any:
    """ECE: mean distance between probability and frequency over bins of equal width.

    Naeini et al. (2015), Guo et al. (2017). The ECE is never negative, so that chance alone makes
    it positive; read it with its interval and n. ``true``: whether the event happened, (n,).
    """
    member = bin_index(probabilities, bins)[:, None] == np.arange(bins)
    predicted = weighted_sums(member * probabilities[:, None], weights)
    observed = weighted_sums(member * true[:, None], weights)
    faces = weighted_sums(member, weights).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return as_statistic(np.abs(predicted - observed).sum(axis=1) / faces, weights)


def interval_coverage(ages: Ints, low: Floats, high: Floats, weights: Weights = None) -> Any:
    """Share of true ages inside their interval, both ends included."""
    return weighted_mean((low <= ages) & (ages <= high), weights)


def interval_width(low: Floats, high: Floats, weights: Weights = None) -> Any:
    """Mean width of the intervals, years."""
    return weighted_mean(high - low, weights)


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram.

    Attributes:
        predicted: Mean predicted probability.
        observed: Frequency of the event.
        n: Number of faces.
    """

    predicted: float
    observed: float
    n: int


def reliability_bins(
    probabilities: Floats, true: NDArray[np.bool_], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins that contain faces, from 0 to 1."""
    index = bin_index(probabilities, bins)
    return tuple(
        ReliabilityBin(float(probabilities[own].mean()), float(true[own].mean()), int(own.sum()))
        for own in (index == number for number in range(bins))
        if own.any()
    )


def bin_index(probabilities: Floats, bins: int) -> Ints:
    """Index of each probability's bin of equal width, (n,); 1 belongs to the last bin."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def risk_coverage(errors: Floats, uncertainties: Floats) -> tuple[Floats, Floats]:
    """The mean error when the most uncertain faces are rejected first.

    El-Yaniv & Wiener (2010). If the uncertainty of each face, (n,), such as the width of its
    interval, is informative, the error rises with coverage.

    Returns:
        Coverage: shares of accepted faces, (n,), rising to 1; and the mean error at each.
    """
    ordered = errors[np.argsort(uncertainties, kind="stable")]
    accepted = np.arange(1, len(errors) + 1)
    return accepted / len(errors), np.cumsum(ordered) / accepted
