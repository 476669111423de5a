"""Two predictors on the same faces: paired differences, and McNemar's test for gender."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.bootstrap import Bootstrap, Estimate, Statistic, Weights
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.populations import statistics

# Compared figures; those that one side lacks are left out.
COMPARED = (
    *("mae", "rmse", "median_error", "bias", "cs5", "range_accuracy", "range_macro_f1"),
    *("gender_accuracy", "gender_balanced_accuracy", "gender_auc", "gender_nll", "gender_ece"),
    *("range_nll", "coverage_80", "width_80"),
)


@dataclass(frozen=True)
class McNemar:
    """Whether two classifiers err on the same faces equally often.

    Attributes:
        only_first: Faces that only the first got right.
        only_second: Faces that only the second got right.
        p_value: Of the exact two-sided test that both numbers come from one rate.
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """How a second predictor differs from a first, on the same faces.

    Attributes:
        first: Name of the first.
        second: Name of the second.
        n: Number of faces.
        values: Of each figure, both values.
        differences: Second less first, with the interval of the paired bootstrap.
        gender: McNemar's test of their genders.
    """

    first: str
    second: str
    n: int
    values: dict[str, tuple[float | None, float | None]]
    differences: dict[str, Estimate]
    gender: McNemar

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "figures": {
                name: {
                    "first": _rounded(self.values[name][0]),
                    "second": _rounded(self.values[name][1]),
                    "difference": found.to_dict(),
                }
                for name, found in self.differences.items()
            },
            "mcnemar_gender": vars(self.gender),
        }


def compare_predictions(
    names: tuple[str, str],
    first: LabelledPredictions,
    second: LabelledPredictions,
    bootstrap: Bootstrap,
) -> Comparison:
    """Measure the differences; each resample draws the same faces for both.

    Args:
        names: What the two are called.
        first: Answers of the first.
        second: Answers of the second, for the same faces in the same order.
        bootstrap: Resamples of these faces.
    """
    if first.names != second.names:
        raise ValueError("compared answers are for the same faces in the same order")
    ours, theirs = statistics(first), statistics(second)
    shared = [name for name in COMPARED if name in ours and name in theirs]
    differences = {name: partial(_difference, ours[name], theirs[name]) for name in shared}
    return Comparison(
        *names,
        n=len(first),
        values={name: (_defined(ours[name]), _defined(theirs[name])) for name in shared},
        differences=bootstrap.estimates(differences),
        gender=mcnemar(first.gender == first.genders, second.gender == second.genders),
    )


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """The exact test of McNemar (1947) on which faces (n,) two classifiers got right.

    Only faces count that one got right and the other did not. If both are equally good, each of
    them is a fair coin.
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    apart = only_first + only_second
    p_value = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
    return McNemar(only_first, only_second, p_value)


def _difference(first: Statistic, second: Statistic, weights: Weights) -> Any:
    return second(weights) - first(weights)


def _defined(statistic: Statistic) -> float | None:
    value = float(statistic(None))
    return None if np.isnan(value) else value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
