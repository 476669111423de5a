"""Bootstrap intervals: how far a figure could be off because these faces were drawn and not others.

Whole groups of copies are drawn with replacement (the cluster bootstrap of Davison & Hinkley 1997,
section 3.8), since copies are no further evidence. A resample is a row of weights: how often each
face was drawn. Statistics take such weights, so that all resamples are computed together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# (resamples, n), or None for the faces as they are.
Weights = NDArray[np.float32] | None
# One number without weights, one for each resample with them; NaN where it is not defined.
Statistic = Callable[[Weights], Any]

RESAMPLES = 2000
LEVEL = 0.95
# So many resamples are computed at once; bounds the memory.
_BLOCK = 500


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure; None where it is not defined, such as over no faces.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        n: Number of faces that it stands on.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to four decimals."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Estimate:
        """What ``to_dict`` gave."""
        return cls(**stored)


@dataclass(frozen=True)
class Bootstrap:
    """Resamples of n faces.

    Attributes:
        counts: How often each face is in each resample, (resamples, n).
    """

    counts: NDArray[np.uint8]

    @classmethod
    def draw(
        cls, groups: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = 0
    ) -> Bootstrap:
        """Draw whole groups with replacement, as many as there are.

        Args:
            groups: Number of the group of each face, (n,), from 0 without gaps.
            resamples: How many resamples.
            seed: Of the draws; the same seed gives the same intervals.
        """
        random = np.random.default_rng(seed)
        total = int(groups.max()) + 1 if len(groups) else 0
        counts = np.zeros((resamples, total), dtype=np.uint8)
        for row in counts:
            drawn = np.bincount(random.integers(0, total, total), minlength=total) if total else 0
            row[:] = np.minimum(drawn, 255)
        return cls(counts[:, groups])

    def estimates(
        self, statistics: Mapping[str, Statistic], rows: NDArray[np.int64] | None = None
    ) -> dict[str, Estimate]:
        """Each statistic with its percentile interval.

        Args:
            statistics: By name; each takes weights over ``rows`` in their order.
            rows: The faces that the statistics are about; None: all.
        """
        n = self.counts.shape[1] if rows is None else len(rows)
        if n == 0:
            return {name: Estimate(None, None, None, 0) for name in statistics}
        drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
        with np.errstate(invalid="ignore", divide="ignore"):
            for weights in self._blocks(rows):
                for name, statistic in statistics.items():
                    drawn[name].append(np.asarray(statistic(weights), dtype=np.float64))
            values = {name: float(statistic(None)) for name, statistic in statistics.items()}
        return {name: estimate(values[name], np.concatenate(drawn[name]), n) for name in statistics}

    def _blocks(self, rows: NDArray[np.int64] | None) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(self.counts), _BLOCK):
            block = self.counts[start : start + _BLOCK]
            yield (block if rows is None else block[:, rows]).astype(np.float32)

    def cell_means(self, values: Floats, cells: NDArray[np.bool_]) -> Floats:
        """The mean over each cell of faces in each resample; NaN where none was drawn.

        Args:
            values: Of each face, (n, figures).
            cells: Which faces belong to which cell, (n, cells).

        Returns:
            (resamples, figures, cells).
        """
        member = cells.astype(np.float32)
        # One matrix product does all: resamples x faces times faces x (figures, cells).
        products = (values.astype(np.float32)[:, :, None] * member[:, None, :]).reshape(
            len(values), values.shape[1] * cells.shape[1]
        )
        parts = []
        with np.errstate(invalid="ignore", divide="ignore"):
            for weights in self._blocks(None):
                sums = (weights @ products).reshape(-1, values.shape[1], cells.shape[1])
                parts.append(sums / (weights @ member)[:, None, :])
        joined: Floats = np.concatenate(parts).astype(np.float64)
        return joined


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


def weighted_mean(values: NDArray[Any], weights: Weights = None) -> Any:
    """Mean of ``values`` (n,), or one for each row of ``weights`` (resamples, n)."""
    if weights is None:
        return float(np.mean(values)) if len(values) else float("nan")
    return (weights @ values.astype(np.float32)) / weights.sum(axis=1)


def weighted_sums(columns: NDArray[Any], weights: Weights = None) -> Floats:
    """Sums of columns (n, k): (1, k), or (resamples, k) with weights."""
    values = columns.astype(np.float32)
    if weights is None:
        plain: Floats = values.sum(axis=0, keepdims=True, dtype=np.float64)
        return plain
    sums: Floats = (weights @ values).astype(np.float64)
    return sums


def as_statistic(found: Floats, weights: Weights) -> Any:
    """One number where there are no weights: (1,) to float."""
    return float(found[0]) if weights is None else found
