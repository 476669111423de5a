"""Two predictors on the same faces: paired differences, and McNemar's test for gender."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.evaluation.age_checks.challenge_comparison import ChallengeComparison
from utkage.evaluation.inputs.labelled_predictions import GENDER, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate, Statistic, Weights, rounded
from utkage.evaluation.metrics.registry import statistics

# Compared metrics; those that one of the two does not have are skipped.
COMPARED = (
    *("mae", "rmse", "median_error", "bias", "cs5", "range_accuracy", "range_macro_f1"),
    *("label_range_accuracy", "label_range_distance"),
    *("gender_accuracy", "gender_balanced_accuracy", "gender_auc", "gender_nll", "gender_ece"),
    *("range_nll", "coverage_80", "width_80"),
)


@dataclass(frozen=True)
class McNemar:
    """Whether two classifiers err on the same faces equally often.

    Attributes:
        only_first: Number of faces that only the first classified correctly.
        only_second: Number of faces that only the second classified correctly.
        p_value: p-value of the exact two-sided test that both err at the same rate.
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a second predictor differs from a first, on the same n faces.

    Attributes:
        first: Name of the first.
        second: Name of the second.
        n: Number of faces.
        values: Value of each metric for the first and for the second.
        differences: Second minus first, with the interval of the paired bootstrap.
        gender: McNemar's test of the predicted genders.
        challenge: Who passes at the challenge ages; None if not requested, or without ages.
    """

    first: str
    second: str
    n: int
    values: dict[str, tuple[float | None, float | None]]
    differences: dict[str, Estimate]
    gender: McNemar
    challenge: ChallengeComparison | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        figures = {}
        for name, found in self.differences.items():
            first, second = rounded(self.values[name])
            figures[name] = {"first": first, "second": second, "difference": found.to_dict()}
        names = {"first": self.first, "second": self.second}
        return {
            **names,
            "n": self.n,
            "figures": figures,
            "mcnemar_gender": vars(self.gender),
            "challenge": None if self.challenge is None else self.challenge.to_dict(),
        }


def compare_predictions(
    names: tuple[str, str],
    first: LabelledPredictions,
    second: LabelledPredictions,
    bootstrap: Bootstrap,
) -> Comparison:
    """Measure the differences of two predictors on the same faces, in the same order.

    Each resample draws the same faces for both.
    """
    if first.names != second.names:
        raise ValueError("compared predictions must be for the same faces in the same order")
    first, second = paired(first, second)
    ours, theirs = statistics(first, COMPARED), statistics(second, COMPARED)
    shared = [name for name in ours if name in theirs]
    differences = {name: partial(_difference, ours[name], theirs[name]) for name in shared}
    gendered = np.flatnonzero(first.labelled(GENDER) & second.labelled(GENDER))
    return Comparison(
        first=names[0],
        second=names[1],
        n=len(first),
        values={name: (_defined(ours[name]), _defined(theirs[name])) for name in shared},
        differences=bootstrap.estimates(differences),
        gender=mcnemar(*((each.gender == each.genders)[gendered] for each in (first, second))),
    )


def paired(
    first: LabelledPredictions, second: LabelledPredictions
) -> tuple[LabelledPredictions, LabelledPredictions]:
    """Both without the ages and genders that one of them has no prediction of."""
    no_age = np.isnan(first.age) | np.isnan(second.age)
    no_gender = np.isnan(first.p_female) | np.isnan(second.p_female)
    one, other = (
        replace(
            each,
            age=np.where(no_age, np.nan, each.age),
            p_female=np.where(no_gender, np.nan, each.p_female),
        )
        for each in (first, second)
    )
    return one, other


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """The exact test of McNemar (1947) on which faces (n,) two classifiers got right.

    Only the faces that exactly one of them got right count. If both are equally good, each such
    face is a fair coin.
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
