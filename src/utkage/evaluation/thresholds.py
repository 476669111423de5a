"""Pass or fail at an age: what each demand on P(age >= T) costs, on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.bootstrap import Bootstrap, Estimate, Weights, weighted_mean
from utkage.prediction.predictions import Predictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A face passes where P(age >= T) is at least this.
DEMANDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
# Faces of this many years on either side of T are the hard ones.
NEAR_YEARS = 7


@dataclass(frozen=True)
class ThresholdPoint:
    """One demand.

    Attributes:
        demand: A face passes where its P(age >= T) is at least this.
        false_pass: Share of the younger faces that pass.
        false_fail: Share of the old enough faces that fail.
        near_false_pass: The first over faces up to seven years too young.
        near_false_fail: The second over faces up to seven years old enough.
    """

    demand: float
    false_pass: Estimate
    false_fail: Estimate
    near_false_pass: Estimate
    near_false_fail: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            name: value.to_dict() if isinstance(value, Estimate) else value
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class ThresholdCurve:
    """The trade-off at one age.

    Attributes:
        age: T, years.
        younger: Number of faces below T.
        older: Number of faces of T and up.
        points: By rising demand.
        expected: Mean of P(age >= T) over all faces.
        observed: Share of faces that are T or older.
    """

    age: int
    younger: int
    older: int
    points: tuple[ThresholdPoint, ...]
    expected: float
    observed: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **vars(self),
            "expected": round(self.expected, 4),
            "observed": round(self.observed, 4),
            "points": [point.to_dict() for point in self.points],
        }


def threshold_curve(
    ages: Ints, predictions: Predictions, age: int, bootstrap: Bootstrap
) -> ThresholdCurve:
    """Measure both errors of each demand, with intervals.

    Args:
        ages: True whole years, (n,).
        predictions: Answers for the same faces.
        age: T, such as 18.
        bootstrap: Resamples of the same faces.
    """
    likely = predictions.probability_at_least(age)
    old = ages >= age
    sides = {
        "false_pass": (~old, True),
        "false_fail": (old, False),
        "near_false_pass": (~old & (ages >= age - NEAR_YEARS), True),
        "near_false_fail": (old & (ages < age + NEAR_YEARS), False),
    }
    found: dict[str, dict[str, Estimate]] = {}
    for name, (mask, wrong) in sides.items():
        rows = np.flatnonzero(mask)
        statistics = {
            str(demand): partial(_share, (likely[rows] >= demand) == wrong) for demand in DEMANDS
        }
        found[name] = bootstrap.estimates(statistics, rows)
    points = tuple(
        ThresholdPoint(demand, **{name: found[name][str(demand)] for name in sides})
        for demand in DEMANDS
    )
    older = int(old.sum())
    return ThresholdCurve(
        age, len(ages) - older, older, points, float(likely.mean()), float(old.mean())
    )


def _share(wrong: NDArray[np.bool_], weights: Weights) -> Any:
    return weighted_mean(wrong, weights)
