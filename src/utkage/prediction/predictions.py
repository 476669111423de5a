"""``Predictions``: age and gender of n faces, the typed result that every tool takes or returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import WeightsError
from utkage.core.text import counted, probability_text
from utkage.data.labels import AGE_COUNT, GENDERS, MAX_AGE, RANGE_NAMES
from utkage.models.calibration import Calibration
from utkage.reporting.table import Cell, Table, plain_table

Floats = NDArray[np.float64]
COLUMNS = ("age", "age_distribution", "range_probabilities", "p_female")
"""Fields of ``Predictions`` with one row per face."""

# Rounding of ages in years, and of probabilities and their sums, also in float16.
_TOLERANCE = 0.01

Selection = int | slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Predictions:
    """Predictions for n faces, in the order of their chips.

    They have a length, iterate face by face, print as a table, and are indexed by a number, a
    slice, indices or a mask; what comes is ``Predictions`` again:

    >>> distribution = np.eye(AGE_COUNT)[[30, 8]]
    >>> found = Predictions(
    ...     np.array([30.0, 8.0]), distribution, np.eye(9)[[3, 1]], np.array([0.9, 0.2])
    ... )
    >>> print(found[found.age < 18])
    age  80% interval  range          gender
    8.0         8 - 8  5-9 (> 99.9%)  male 80%

    Attributes:
        age: Point estimate in years, (n,).
        age_distribution: Probability of each whole year 0..116, (n, 117).
        range_probabilities: Probability of each of the nine age ranges, (n, 9).
        p_female: Probability of female, (n,).
        calibration: Calibration of the weights, which widens or narrows the age intervals. The
            probabilities contain its temperatures already.
    """

    age: Floats
    age_distribution: Floats
    range_probabilities: Floats
    p_female: Floats
    calibration: Calibration | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.age)

    def __getitem__(self, faces: Selection) -> Predictions:
        if isinstance(faces, (int, np.integer)):
            # Slicing keeps the axis of faces, and takes -1 for the last one.
            faces = np.arange(len(self))[faces][None]
        chosen = np.asarray(faces) if isinstance(faces, Sequence) else faces
        columns = (getattr(self, name)[chosen] for name in COLUMNS)
        return Predictions(*columns, calibration=self.calibration)

    def __iter__(self) -> Iterator[Predictions]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<Predictions for {counted(len(self), 'face')}>"

    def __str__(self) -> str:
        low, high = self.age_interval(0.8)
        rows = [
            (
                Cell(f"{self.age[index]:.1f}", float(self.age[index])),
                Cell(f"{low[index]:.0f} - {high[index]:.0f}", float(low[index])),
                f"{name} ({probability_text(self.range_probabilities[index].max())})",
                f"{GENDERS[gender]} {probability_text(max(female, 1 - female))}",
            )
            for index, (name, gender, female) in enumerate(
                zip(self.range_names, self.gender, self.p_female, strict=True)
            )
        ]
        return plain_table(Table.of("", ("age", "80% interval", "range", "gender"), rows))

    @property
    def possible(self) -> NDArray[np.bool_]:
        """Whether each face has a possible age and probabilities, (n,).

        Damaged weights, and exported files of other programs, may give NaN, infinity, ages outside
        0..116 and probabilities outside 0..1 or with another sum than 1.
        """
        parts = (self.age_distribution, self.range_probabilities)
        # NaN is within no bounds.
        with np.errstate(invalid="ignore", over="ignore"):
            possible = (self.age >= -_TOLERANCE) & (self.age <= MAX_AGE + _TOLERANCE)
            possible &= (self.p_female >= -_TOLERANCE) & (self.p_female <= 1 + _TOLERANCE)
            for part in parts:
                possible &= (part >= -_TOLERANCE).all(axis=1)
                possible &= np.abs(part.sum(axis=1) - 1) <= _TOLERANCE
        return possible

    def require_possible(self) -> None:
        """Raise a ``WeightsError`` that describes the first prediction that is not possible."""
        possible = self.possible
        if possible.all():
            return
        face = int(np.argmin(possible))
        raise WeightsError(
            f"the weights predict the impossible (age {self.age[face]:.4g} years, P(female) "
            f"{self.p_female[face]:.4g}, probabilities of ages with the sum "
            f"{self.age_distribution[face].sum():.4g}); use other weights"
        )

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

    def age_interval(self, level: Floats | float) -> tuple[Floats, Floats]:
        """Ends of the interval that contains the age with probability ``level``; years, (n,) each.

        ``level``, within 0..1, is one number for all faces or one for each, (n,).

        It is a central interval of the age distribution: of probability ``level`` itself or,
        for calibrated weights, of the probability that covered this share of the validation faces
        (split conformal prediction, by band of predicted age). Intervals of rising levels are
        nested.
        """
        central: Floats | float = level
        if self.calibration is not None:
            central = self.calibration.requested_level(level, self.age)
        tail = (1 - central) / 2
        return (
            distribution_quantile(self.age_distribution, tail),
            distribution_quantile(self.age_distribution, 1 - tail),
        )

    def probability_at_least(self, age: float) -> Floats:
        """P(age >= ``age`` years) of each face, (n,); 1 for an age of 0 or below.

        The mass of a year is spread evenly over the half years around it, as for intervals, so
        this is the mass above ``age`` - 1/2. Calibrated weights keep it consistent with their
        intervals: it is at least (1 + p) / 2 exactly where the interval of level p lies above
        ``age`` - 1/2. Both tails are assumed to have equal mass, which ``evaluate --threshold``
        tests.
        """
        below = distribution_below(self.age_distribution, age - 0.5)
        if self.calibration is not None:
            central = self.calibration.nominal_coverage(np.abs(2 * below - 1), self.age)
            below = (1 + np.sign(below - 0.5) * central) / 2
        return 1 - below if age > 0 else np.ones(len(self))

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """Join the predictions of several batches, in order."""
        if not parts:
            return cls(
                np.empty(0), np.empty((0, AGE_COUNT)), np.empty((0, len(RANGE_NAMES))), np.empty(0)
            )
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)
        return cls(*columns, calibration=parts[0].calibration)


def distribution_quantile(distribution: Floats, quantile: Floats | float) -> Floats:
    """Quantile of age distributions (n, years) -> (n,), in years, never below 0.

    ``quantile`` is one number for all faces, or (n,). The mass of year y is spread evenly over
    [y - 1/2, y + 1/2].
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

    The inverse of ``distribution_quantile`` where the quantile is above 0. ``ages``, in years, is
    one number for all faces, or (n,).
    """
    last = distribution.shape[1] - 1
    position = np.clip(np.broadcast_to(ages, (len(distribution),)) + 0.5, 0, last + 1)
    index = np.minimum(position.astype(np.int64), last)
    rows = np.arange(len(distribution))
    total = np.cumsum(distribution, axis=1)
    inside = (position - index) * distribution[rows, index]
    below: Floats = (total[rows, index] - distribution[rows, index] + inside) / total[:, -1]
    return below
