"""Passing or failing at an age: both error rates at each required P(age >= T)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.age_checks.guaranteed_demand import PROBABILITY
from utkage.evaluation.metrics.bootstrap import Estimate, Floats, Ints, rounded
from utkage.evaluation.metrics.proportions import proportion

# Minimum P(age >= T) for passing.
DEMANDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
# Years on either side of T in which faces are hard to decide. The rates over them come first
# everywhere: those over all faces depend on how many small children and old people there are.
NEAR_YEARS = 7
# First and last age of each band beside T, as distances from it, and the demand for passing there.
BANDS = ((-7, -6), (-5, -3), (-2, -1), (0, 1), (2, 4), (5, 6))
BAND_DEMAND = 0.5


@dataclass(frozen=True, kw_only=True)
class ThresholdPoint:
    """The error rates at one required probability.

    Attributes:
        demand: A face passes if its P(age >= T) is at least this.
        false_pass: Share of the faces under T that pass.
        false_fail: Share of the faces of T or older that fail.
        near_false_pass: ``false_pass`` over faces up to seven years younger than T.
        near_false_fail: ``false_fail`` over faces of T to T + 6 years.
    """

    demand: float
    false_pass: Estimate
    false_fail: Estimate
    near_false_pass: Estimate
    near_false_fail: Estimate


@dataclass(frozen=True)
class ThresholdBand:
    """The share of faces of ``first`` to ``last`` years that pass at ``BAND_DEMAND``."""

    first: int
    last: int
    passed: Estimate


@dataclass(frozen=True, kw_only=True)
class ThresholdCurve:
    """The trade-off between both error rates at one age.

    Attributes:
        age: T, years.
        younger: Number of faces below T.
        older: Number of faces of T and up.
        near_younger: Number of faces of T - 7 to T - 1 years.
        near_older: Number of faces of T to T + 6 years.
        bands: Shares that pass by true age next to T.
        points: Error rates by rising required probability.
        expected: Mean of P(age >= T) over all faces.
        observed: Share of faces that are T or older.
    """

    age: int
    younger: int
    older: int
    near_younger: int
    near_older: int
    bands: tuple[ThresholdBand, ...]
    points: tuple[ThresholdPoint, ...]
    expected: float
    observed: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        found: dict[str, Any] = rounded(asdict(self))
        return found


def threshold_curve(ages: Ints, likely: Floats, age: int, groups: Ints) -> ThresholdCurve:
    """Measure both error rates at each required probability of P(age >= ``age``).

    The intervals are those of ``metrics.proportions``, which also say how sure a rate of 0 is.

    Args:
        ages: True whole years, (n,).
        likely: P(age >= ``age``) of each face, (n,).
        age: T, years.
        groups: Number of each face's person or duplicate group, (n,).
    """
    old = ages >= age
    near = (ages >= age - NEAR_YEARS) & (ages < age + NEAR_YEARS)
    errors = {
        "false_pass": (np.flatnonzero(~old), True),
        "false_fail": (np.flatnonzero(old), False),
        "near_false_pass": (np.flatnonzero(near & ~old), True),
        "near_false_fail": (np.flatnonzero(near & old), False),
    }
    sizes = {name: len(rows) for name, (rows, _) in errors.items()}
    return ThresholdCurve(
        age=age,
        younger=sizes["false_pass"],
        older=sizes["false_fail"],
        near_younger=sizes["near_false_pass"],
        near_older=sizes["near_false_fail"],
        bands=_bands(ages, PROBABILITY.passes(likely, BAND_DEMAND), age, groups),
        points=tuple(
            ThresholdPoint(
                demand=demand,
                **{
                    name: proportion(
                        PROBABILITY.passes(likely[rows], demand) == passes, groups[rows]
                    )
                    for name, (rows, passes) in errors.items()
                },
            )
            for demand in DEMANDS
        ),
        expected=float(likely.mean()),
        observed=float(old.mean()),
    )


def _bands(
    ages: Ints, passed: NDArray[np.bool_], age: int, groups: Ints
) -> tuple[ThresholdBand, ...]:
    """The bands of possible ages that hold a face."""
    found = []
    for first, last in ((age + low, age + high) for low, high in BANDS):
        rows = np.flatnonzero((ages >= first) & (ages <= last))
        if len(rows):
            share = proportion(passed[rows], groups[rows])
            found.append(ThresholdBand(max(first, 0), last, share))
    return tuple(found)
