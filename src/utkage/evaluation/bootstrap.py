"""Bootstrap intervals: how much a metric varies with the sample of faces.

Whole duplicate groups are drawn with replacement (the cluster bootstrap of Davison & Hinkley 1997,
section 3.8), because a duplicate adds no evidence. A resample is a row of weights: how often each
face was drawn. Statistics take such weights, so that many resamples are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# (resamples, n), or None for the faces as they are.
Weights = NDArray[np.float32] | None
# One number without weights, one for each resample with them; NaN where it is not defined.
Statistic = Callable[[Weights], Any]

RESAMPLES = 2000
LEVEL = 0.95
# Resamples computed at once, and weights (resamples x faces) at once: bounds on the memory.
_BLOCK = 500
_BLOCK_VALUES = 2_000_000


@dataclass(frozen=True)
class Estimate:
    """The value of a metric with its interval.

    Attributes:
        value: The value; None where it is not defined, such as over no faces.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        n: Number of faces that the value is computed from.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to four decimals."""
        found: dict[str, Any] = rounded(vars(self))
        return found


@dataclass(frozen=True)
class OnSomeFaces:
    """A statistic of some of the faces, as one of all of them.

    Attributes:
        statistic: The statistic of the faces in ``rows``.
        rows: Their indices, (m,), m at least 1.
    """

    statistic: Statistic
    rows: Ints

    def __call__(self, weights: Weights) -> Any:
        """The statistic; the weights are those of all faces."""
        return self.statistic(None if weights is None else weights[:, self.rows])


@dataclass(frozen=True)
class Bootstrap:
    """How often each of n faces is in each resample: ``counts``, (resamples, n)."""

    counts: NDArray[np.uint8]

    @classmethod
    def draw(cls, groups: Ints, resamples: int = RESAMPLES, seed: int = 0) -> Bootstrap:
        """Draw whole groups with replacement, as many as there are.

        ``groups`` holds the number of each face's duplicate group, (n,), from 0 without gaps. The
        same seed gives the same intervals.
        """
        random = np.random.default_rng(seed)
        total = int(groups.max()) + 1 if len(groups) else 0
        counts = np.zeros((resamples, total), dtype=np.uint8)
        for row in counts:
            drawn = np.bincount(random.integers(0, total, total), minlength=total) if total else 0
            row[:] = np.minimum(drawn, 255)
        return cls(counts[:, groups])

    def estimates(
        self, statistics: Mapping[str, Statistic], rows: Ints | None = None
    ) -> dict[str, Estimate]:
        """Each statistic with its percentile interval.

        Each takes weights over ``rows``, the indices of the faces that it is about; None: all.
        """
        n = self.counts.shape[1] if rows is None else len(rows)
        if n == 0:
            return {name: Estimate(None, None, None, 0) for name in statistics}
        return estimates_from(statistics, self.draws(statistics, rows), n)

    def draws(
        self, statistics: Mapping[str, Statistic], rows: Ints | None = None
    ) -> dict[str, Floats]:
        """Each statistic over each resample, (resamples,); NaN where it is not defined.

        Arguments as for ``estimates``; ``rows`` must not be empty.
        """
        size = self.counts.shape[1] if rows is None else len(rows)
        block = max(1, min(_BLOCK, _BLOCK_VALUES // max(size, 1)))
        drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
        with np.errstate(invalid="ignore", divide="ignore"):
            for start in range(0, len(self.counts), block):
                counts = self.counts[start : start + block]
                weights = (counts if rows is None else counts[:, rows]).astype(np.float32)
                for name, statistic in statistics.items():
                    drawn[name].append(np.asarray(statistic(weights), dtype=np.float64))
        return {name: np.concatenate(parts) for name, parts in drawn.items()}


def estimates_from(
    statistics: Mapping[str, Statistic], drawn: Mapping[str, Floats], n: int
) -> dict[str, Estimate]:
    """Each statistic over n faces, with the interval of its resamples ``drawn``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: estimate(float(statistic(None)), drawn[name], faces_of(statistic, n))
            for name, statistic in statistics.items()
        }


def faces_of(statistic: Statistic, n: int) -> int:
    """Number of faces, of ``n``, that a statistic is computed from."""
    return len(statistic.rows) if isinstance(statistic, OnSomeFaces) else n


def estimate(value: float, drawn: Floats, n: int, level: float = LEVEL) -> Estimate:
    """A value with the percentile interval of its resamples; NaN becomes None."""
    if np.isnan(value):
        return Estimate(None, None, None, n)
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Estimate(value, None, None, n)
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), n)


def rounded(value: Any) -> Any:
    """A JSON-ready value with its floats, at any depth, rounded to four decimals."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def weighted_mean(values: NDArray[Any], weights: Weights = None) -> Any:
    """Mean of ``values`` (n,), or one for each row of ``weights`` (resamples, n)."""
    if weights is None:
        return float(np.mean(values)) if len(values) else float("nan")
    return (weights @ values.astype(np.float32)) / weights.sum(axis=1)


def weighted_sums(columns: NDArray[Any], weights: Weights = None) -> Floats:
    """Sums of columns (n, k): (1, k), or (resamples, k) with weights."""
    values = columns.astype(np.float32)
    if weights is None:
        return np.asarray(values.sum(axis=0, keepdims=True, dtype=np.float64))
    return np.asarray(weights @ values, dtype=np.float64)


def as_statistic(found: Floats, weights: Weights) -> Any:
    """A float without weights, from (1,); the resamples as they are with weights."""
    return float(found[0]) if weights is None else found
