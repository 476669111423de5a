"""``Predictions``: the one typed result in the middle, which every tool takes or returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import AGE_COUNT, RANGE_NAMES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Answers for n faces.

    Attributes:
        age: Point estimate in years, (n,).
        age_distribution: Probability of each whole year 0..116, (n, 117).
        range_probabilities: Probability of each of the nine age ranges, (n, 9).
        p_female: Probability of female, (n,).
    """

    age: Floats
    age_distribution: Floats
    range_probabilities: Floats
    p_female: Floats

    def __len__(self) -> int:
        return len(self.age)

    @property
    def range_index(self) -> NDArray[np.int64]:
        """Index of the most probable age range, (n,)."""
        return np.asarray(self.range_probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def range_names(self) -> list[str]:
        """Name of the most probable age range of each face."""
        return [RANGE_NAMES[index] for index in self.range_index]

    @property
    def gender(self) -> NDArray[np.int64]:
        """0 male, 1 female, (n,)."""
        return (self.p_female >= 0.5).astype(np.int64)

    def age_interval(self, level: float) -> tuple[Floats, Floats]:
        """The central interval that the distribution gives the probability ``level``.

        Args:
            level: 0..1, such as 0.8.

        Returns:
            Lower and upper ends in years, each (n,).
        """
        tail = (1 - level) / 2
        return (
            distribution_quantile(self.age_distribution, tail),
            distribution_quantile(self.age_distribution, 1 - tail),
        )

    def select(self, start: int, stop: int) -> Predictions:
        """The answers ``start`` to ``stop`` - 1."""
        return self.take(np.arange(start, stop))

    def take(self, rows: NDArray[np.int64]) -> Predictions:
        """The answers with these indices, in this order."""
        return Predictions(
            self.age[rows],
            self.age_distribution[rows],
            self.range_probabilities[rows],
            self.p_female[rows],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Join the answers of several batches, in order."""
        if not parts:
            return cls(
                np.empty(0), np.empty((0, AGE_COUNT)), np.empty((0, len(RANGE_NAMES))), np.empty(0)
            )
        return cls(
            np.concatenate([part.age for part in parts]),
            np.concatenate([part.age_distribution for part in parts]),
            np.concatenate([part.range_probabilities for part in parts]),
            np.concatenate([part.p_female for part in parts]),
        )


def distribution_quantile(distribution: Floats, quantile: float) -> Floats:
    """Quantile of age distributions (n, years) -> (n,), in years, never below 0.

    The mass of year y is taken as spread evenly over [y - 1/2, y + 1/2].
    """
    total = np.cumsum(distribution, axis=1)
    target = quantile * total[:, -1:]
    index = np.minimum((total < target).sum(axis=1), distribution.shape[1] - 1)
    rows = np.arange(len(distribution))
    mass = np.maximum(distribution[rows, index], 1e-12)
    before = total[rows, index] - distribution[rows, index]
    ages: Floats = np.maximum(index - 0.5 + (target[:, 0] - before) / mass, 0.0)
    return ages
