"""Passing or failing at an age: both error rates at each required P(age >= T)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.age_checks.guaranteed_demand import PROBABILITY
from utkage.evaluation.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    Floats,
    Ints,
    Part,
    rounded,
    weighted_mean,
)

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


def threshold_curve(ages: Ints, likely: Floats, age: int, bootstrap: Bootstrap) -> ThresholdCurve:
    """Measure both error rates at each required probability of P(age >= ``age``).

    Args:
        ages: True whole years, (n,), of the faces of ``bootstrap``.
        likely: P(age >= ``age``) of each, (n,).
        age: T, years.
        bootstrap: Resamples of the faces.
    """
    old = ages >= age
    errors = {
        "false_pass": (~old, True),
        "false_fail": (old, False),
        "near_false_pass": (~old & (ages >= age - NEAR_YEARS), True),
        "near_false_fail": (old & (ages < age + NEAR_YEARS), False),
    }
    parts = []
    for mask, passes in errors.values():
        rows = np.flatnonzero(mask)
        wrong = {demand: PROBABILITY.passes(likely[rows], demand) == passes for demand in DEMANDS}
        statistics = {str(demand): partial(weighted_mean, own) for demand, own in wrong.items()}
        parts.append(Part(statistics, rows))
    found = dict(zip(errors, bootstrap.estimates_of(parts), strict=True))
    older = int(old.sum())
    near = np.abs(ages - age + 0.5) < NEAR_YEARS
    return ThresholdCurve(
        age=age,
        younger=len(ages) - older,
        older=older,
        near_younger=int((near & ~old).sum()),
        near_older=int((near & old).sum()),
        bands=_bands(ages, PROBABILITY.passes(likely, BAND_DEMAND), age, bootstrap),
        points=tuple(
            ThresholdPoint(demand=demand, **{name: found[name][str(demand)] for name in errors})
            for demand in DEMANDS
        ),
        expected=float(likely.mean()),
        observed=float(old.mean()),
    )


def _bands(
    ages: Ints, passed: NDArray[np.bool_], age: int, bootstrap: Bootstrap
) -> tuple[ThresholdBand, ...]:
    """The bands of possible ages that hold a face."""
    ends, parts = [], []
    for first, last in ((age + low, age + high) for low, high in BANDS):
        rows = np.flatnonzero((ages >= first) & (ages <= last))
        if len(rows):
            ends.append((max(first, 0), last))
            parts.append(Part({"passed": partial(weighted_mean, passed[rows])}, rows))
    found = bootstrap.estimates_of(parts)
    return tuple(ThresholdBand(*band, own["passed"]) for band, own in zip(ends, found, strict=True))
