"""Bootstrap intervals: how much a metric varies with the sample of faces.

Whole duplicate groups are drawn with replacement (the cluster bootstrap of Davison & Hinkley 1997,
section 3.8), because a duplicate adds no evidence; where persons are known, whole persons
(``persons``). A resample is a row of weights: how often each
face was drawn. Statistics take such weights, so that many resamples are computed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
# Resamples computed at once, and weights (resamples x faces) at once: bounds on the memory. A few
# resamples share what does not depend on them, however many faces there are.
_BLOCK = 500
_BLOCK_VALUES = 2_000_000
_LEAST_BLOCK = 4
# Counts (resamples x groups) that are kept, and that are drawn at once otherwise, one byte each.
_KEPT = 200_000_000
_BLOCK_COUNTS = 20_000_000


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
    """Resamples of n faces in whole duplicate groups, drawn anew whenever they are needed.

    Few resamples of few groups are kept instead; memory never holds resamples x faces of many.

    Attributes:
        groups: Number of each face's duplicate group, (n,), from 0 without gaps.
        resamples: Number of resamples.
        seed: The same seed gives the same resamples.
    """

    groups: Ints
    resamples: int = RESAMPLES
    seed: int = 0

    @classmethod
    def draw(cls, groups: Ints, resamples: int = RESAMPLES, seed: int = 0) -> Bootstrap:
        """Draw whole groups with replacement, as many as there are.

        ``groups`` holds the number of each face's duplicate group, (n,), from 0 without gaps. The
        same seed gives the same intervals.
        """
        return cls(groups, resamples, seed)

    @property
    def counts(self) -> NDArray[np.uint8]:
        """How often each face is in each resample, (resamples, n): large for many faces."""
        blocks = [counts[:, self.groups] for counts in self._blocks()]
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self.groups)), np.uint8)

    def estimates(
        self, statistics: Mapping[str, Statistic], rows: Ints | None = None
    ) -> dict[str, Estimate]:
        """Each statistic with its percentile interval.

        Each takes weights over ``rows``, the indices of the faces that it is about; None: all.
        """
        return self.estimates_of([Part(statistics, rows)])[0]

    def estimates_of(self, parts: Sequence[Part]) -> list[dict[str, Estimate]]:
        """The ``estimates`` of each part, from one pass over the resamples."""
        return [
            estimates_from(part.statistics, draws, self.size(part))
            for part, draws in zip(parts, self.draws_of(parts), strict=True)
        ]

    def draws(
        self, statistics: Mapping[str, Statistic], rows: Ints | None = None
    ) -> dict[str, Floats]:
        """Each statistic over each resample, (resamples,); NaN where it is not defined.

        Arguments as for ``estimates``.
        """
        return self.draws_of([Part(statistics, rows)])[0]

    def draws_of(self, parts: Sequence[Part]) -> list[dict[str, Floats]]:
        """The ``draws`` of each part, from one pass over the resamples."""
        drawn = [
            {name: np.full(self.resamples, np.nan) for name in part.statistics} for part in parts
        ]
        groups = [self.groups if part.rows is None else self.groups[part.rows] for part in parts]
        done = 0
        with np.errstate(invalid="ignore", divide="ignore"):
            for counts in self._blocks():
                for part, own, found in zip(parts, groups, drawn, strict=True):
                    # Over no faces, nothing is defined.
                    if len(own):
                        _fill(part.statistics, counts, own, found, done)
                done += len(counts)
        return drawn

    def size(self, part: Part) -> int:
        """Number of faces of a part."""
        return len(self.groups) if part.rows is None else len(part.rows)

    def _blocks(self) -> Iterator[NDArray[np.uint8]]:
        """How often each group is in each resample, some resamples at a time, (some, groups)."""
        if self._kept is not None:
            yield self._kept
        else:
            yield from self._drawn()

    @cached_property
    def _kept(self) -> NDArray[np.uint8] | None:
        """All blocks as one, if they are small; drawing costs more than some statistics."""
        if self.resamples * self._total > _KEPT:
            return None
        kept = np.empty((self.resamples, self._total), dtype=np.uint8)
        done = 0
        for counts in self._drawn():
            kept[done : done + len(counts)] = counts
            done += len(counts)
        return kept

    @cached_property
    def _total(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    def _drawn(self) -> Iterator[NDArray[np.uint8]]:
        random, total = np.random.default_rng(self.seed), self._total
        block = max(1, _BLOCK_COUNTS // max(total, 1))
        for start in range(0, self.resamples, block):
            counts = np.zeros((min(block, self.resamples - start), total), dtype=np.uint8)
            for row in counts if total else ():
                drawn = np.bincount(random.integers(0, total, total), minlength=total)
                row[:] = np.minimum(drawn, 255)
            yield counts


@dataclass(frozen=True)
class Part:
    """Statistics of some of the faces.

    Attributes:
        statistics: The statistics by name; each takes weights over ``rows``.
        rows: Indices of the faces, (m,); None: all.
    """

    statistics: Mapping[str, Statistic]
    rows: Ints | None = None


def _fill(
    statistics: Mapping[str, Statistic],
    counts: NDArray[np.uint8],
    groups: Ints,
    found: dict[str, Floats],
    start: int,
) -> None:
    """Compute the statistics over the resamples of a block, the first of which is ``start``.

    ``groups`` are those of the faces that the statistics are about.
    """
    block = max(_LEAST_BLOCK, min(_BLOCK, _BLOCK_VALUES // len(groups)))
    for first in range(0, len(counts), block):
        weights = counts[first : first + block][:, groups].astype(np.float32)
        own = slice(start + first, start + first + len(weights))
        for name, statistic in statistics.items():
            found[name][own] = statistic(weights)


def estimates_from(
    statistics: Mapping[str, Statistic], drawn: Mapping[str, Floats], n: int
) -> dict[str, Estimate]:
    """Each statistic over n faces, with the interval of its resamples ``drawn``."""
    if n == 0:
        return {name: Estimate(None, None, None, 0) for name in statistics}
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
