"""``Predictions``: the one typed result in the middle, which every tool takes or returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import AGE_COUNT, RANGE_NAMES
from utkage.models.calibration import Calibration

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Answers for n faces.

    Attributes:
        age: Point estimate in years, (n,).
        age_distribution: Probability of each whole year 0..116, (n, 117).
        range_probabilities: Probability of each of the nine age ranges, (n, 9).
        p_female: Probability of female, (n,).
        calibration: Of the weights that answered; it widens or narrows the age intervals. The
            temperatures in it are in the probabilities already.
    """

    age: Floats
    age_distribution: Floats
    range_probabilities: Floats
    p_female: Floats
    calibration: Calibration | None = field(default=None, kw_only=True)

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
        """The interval that holds the age with probability ``level``.

        It is a central one of the distribution: with the probability ``level`` itself, or, if the
        weights are calibrated, with the one that held that share of validation faces (split
        conformal prediction, by band of predicted age). Intervals of rising levels are nested.

        Args:
            level: 0..1, such as 0.8.

        Returns:
            Lower and upper ends in years, each (n,).
        """
        asked: Floats | float = level
        if self.calibration is not None:
            asked = self.calibration.requested_level(level, self.age)
        tail = (1 - asked) / 2
        return (
            distribution_quantile(self.age_distribution, tail),
            distribution_quantile(self.age_distribution, 1 - tail),
        )

    def probability_at_least(self, age: float) -> Floats:
        """P(age >= ``age``) of each face, (n,): such as 18 for "of age".

        The mass of a year is spread over the half years around it, as for intervals, so this is
        the mass above ``age`` - 1/2. With a calibration it agrees with the calibrated intervals:
        it is at least (1 + p) / 2 exactly where the interval of level p lies above ``age`` - 1/2.
        The two tails are taken as alike, which ``evaluate --threshold`` puts to the test.

        Args:
            age: Years. At 0 and below everybody is at least as old.
        """
        below = distribution_below(self.age_distribution, age - 0.5)
        if self.calibration is not None:
            central = self.calibration.nominal_coverage(np.abs(2 * below - 1), self.age)
            below = (1 + np.sign(below - 0.5) * central) / 2
        return 1 - below if age > 0 else np.ones(len(self))

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
            calibration=self.calibration,
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
            calibration=parts[0].calibration,
        )


def distribution_quantile(distribution: Floats, quantile: Floats | float) -> Floats:
    """Quantile of age distributions (n, years) -> (n,), in years, never below 0.

    ``quantile`` is one for all or one for each, (n,). The mass of year y is taken as spread evenly
    over [y - 1/2, y + 1/2].
    """
    total = np.cumsum(distribution, axis=1)
    target = np.reshape(quantile, (-1, 1)) * total[:, -1:]
    index = np.minimum((total < target).sum(axis=1), distribution.shape[1] - 1)
    rows = np.arange(len(distribution))
    mass = np.maximum(distribution[rows, index], 1e-12)
    before = total[rows, index] - distribution[rows, index]
    ages: Floats = np.maximum(index - 0.5 + (target[:, 0] - before) / mass, 0.0)
    return ages


def distribution_below(distribution: Floats, ages: Floats | float) -> Floats:
    """Cumulative probability of age distributions (n, years) up to ``ages``, (n,).

    The inverse of ``distribution_quantile`` where the quantile is above 0. ``ages`` in years is one
    for all or one for each, (n,).
    """
    last = distribution.shape[1] - 1
    position = np.clip(np.broadcast_to(ages, (len(distribution),)) + 0.5, 0, last + 1)
    index = np.minimum(position.astype(np.int64), last)
    rows = np.arange(len(distribution))
    total = np.cumsum(distribution, axis=1)
    inside = (position - index) * distribution[rows, index]
    below: Floats = (total[rows, index] - distribution[rows, index] + inside) / total[:, -1]
    return below
