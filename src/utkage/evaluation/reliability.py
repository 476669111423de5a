"""Whether probabilities and intervals mean what they say.

All take weights, as ``bootstrap`` explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.bootstrap import (
    Weights,
    as_statistic,
    weighted_mean,
    weighted_sums,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10
_SMALLEST = 1e-12


def negative_log_likelihood(given: Floats, weights: Weights = None) -> Any:
    """Mean of ``-log p`` over the probabilities (n,) that were given to what is true, in nats."""
    return weighted_mean(-np.log(np.maximum(given, _SMALLEST)), weights)


def expected_calibration_error(
    probabilities: Floats, true: NDArray[np.bool_], weights: Weights = None, bins: int = BINS
) -> Any:
    """ECE: mean distance between probability and frequency over bins of equal width.

    Naeini et al. (2015), Guo et al. (2017). It is never below 0, so chance alone makes it greater
    than 0: read it beside its interval and n.

    Args:
        probabilities: Said of an event, (n,).
        true: Whether it happened, (n,).
        weights: Resamples.
        bins: Number of bins between 0 and 1.
    """
    member = bin_index(probabilities, bins)[:, None] == np.arange(bins)
    said = weighted_sums(member * probabilities[:, None], weights)
    happened = weighted_sums(member * true[:, None], weights)
    faces = weighted_sums(member, weights).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return as_statistic(np.abs(said - happened).sum(axis=1) / faces, weights)


def interval_coverage(ages: Ints, low: Floats, high: Floats, weights: Weights = None) -> Any:
    """Share of labels inside their interval, both ends included."""
    return weighted_mean((low <= ages) & (ages <= high), weights)


def interval_width(low: Floats, high: Floats, weights: Weights = None) -> Any:
    """Mean width of intervals, years: what the coverage is paid with."""
    return weighted_mean(high - low, weights)


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram.

    Attributes:
        said: Mean probability.
        happened: Frequency of the event.
        n: Faces in it.
    """

    said: float
    happened: float
    n: int


def reliability_bins(
    probabilities: Floats, true: NDArray[np.bool_], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins that hold any face, from 0 to 1."""
    index = bin_index(probabilities, bins)
    return tuple(
        ReliabilityBin(float(probabilities[own].mean()), float(true[own].mean()), int(own.sum()))
        for own in (index == number for number in range(bins))
        if own.any()
    )


def bin_index(probabilities: Floats, bins: int) -> Ints:
    """Which bin of equal width each probability is in, (n,); 1 is in the last."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def risk_coverage(errors: Floats, doubts: Floats) -> tuple[Floats, Floats]:
    """The mean error of those answered, when the most doubtful faces are left out first.

    El-Yaniv & Wiener (2010). A doubt that means something makes the curve rise.

    Args:
        errors: Of each face, (n,).
        doubts: The larger, the sooner a face is left out, (n,); such as the interval's width.

    Returns:
        Shares of faces answered, (n,), rising to 1, and the mean error at each.
    """
    ordered = errors[np.argsort(doubts, kind="stable")]
    answered = np.arange(1, len(errors) + 1)
    return answered / len(errors), np.cumsum(ordered) / answered
