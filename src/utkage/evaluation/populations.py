"""All figures of an evaluation with intervals: over all ages, 16 and older, and 21 to 60."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.data.labels import RANGE_NAMES
from utkage.evaluation.age_errors import (
    cumulative_score,
    group_medians,
    mean_absolute_error,
    mean_error,
    median_absolute_error,
    root_mean_squared_error,
)
from utkage.evaluation.bootstrap import Bootstrap, Estimate, Statistic
from utkage.evaluation.classification import (
    accuracy,
    area_under_curve,
    balanced_accuracy,
    false_rate,
    macro_f1,
    one_off_accuracy,
)
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.reliability import (
    expected_calibration_error,
    interval_coverage,
    interval_width,
    negative_log_likelihood,
)

ADULT_AGE = 16
PROTOCOL_21_60 = (21, 60)
TOLERANCES = range(1, 11)
LEVELS = (0.8, 0.9)

YEARS = "years"
SHARE = "share"
PLAIN = ""

# Name in documents: words, unit.
WORDS: dict[str, tuple[str, str]] = {
    "mae": ("MAE", YEARS),
    "rmse": ("RMSE", YEARS),
    "median_error": ("median error", YEARS),
    "bias": ("bias (above 0: guessed too old)", YEARS),
    **{f"cs{k}": (f"CS@{k}: error of at most {k}", SHARE) for k in TOLERANCES},
    "range_accuracy": ("age range right, of nine", SHARE),
    "range_one_off": ("age range right or next to it", SHARE),
    "range_macro_f1": ("macro-F1 of age ranges", PLAIN),
    "gender_accuracy": ("gender right", SHARE),
    "gender_balanced_accuracy": ("gender right, mean of both", SHARE),
    "gender_auc": ("AUC of gender", PLAIN),
    "men_as_women": ("males called female", SHARE),
    "women_as_men": ("females called male", SHARE),
    "gender_nll": ("NLL of gender, nats", PLAIN),
    "gender_ece": ("ECE of gender", SHARE),
    "range_nll": ("NLL of age ranges, nats", PLAIN),
    "range_ece": ("ECE of age ranges", SHARE),
    "coverage_80": ("age in its 80 % interval", SHARE),
    "width_80": ("width of the 80 % interval", YEARS),
    "coverage_90": ("age in its 90 % interval", SHARE),
    "width_90": ("width of the 90 % interval", YEARS),
    "baseline_mae": ("MAE of always answering the median age", YEARS),
    "oracle_median_mae": ("MAE of the median of the true range (an oracle)", YEARS),
    "baseline_gender": ("gender right if always the commoner one", SHARE),
}


@dataclass(frozen=True)
class Population:
    """The figures over some of the faces.

    Attributes:
        name: ``"all"``, ``"16plus"`` or ``"21_60"``.
        words: What a person calls it.
        n: Number of faces.
        figures: By name, in the order of ``WORDS``; those that need a distribution are missing
            where there is none.
    """

    name: str
    words: str
    n: int
    figures: dict[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "n": self.n,
            "figures": {name: found.to_dict() for name, found in self.figures.items()},
        }

    @classmethod
    def from_dict(cls, name: str, words: str, stored: Mapping[str, Any]) -> Population:
        """What ``to_dict`` gave, named again."""
        figures = {key: Estimate.from_dict(found) for key, found in stored["figures"].items()}
        return cls(name, words, stored["n"], figures)


def populations(faces: LabelledPredictions, bootstrap: Bootstrap) -> tuple[Population, ...]:
    """Every figure over all ages, over 16 and older, and over 21-60."""
    first, last = PROTOCOL_21_60
    chosen = (
        ("all", "all ages", np.ones(len(faces), dtype=np.bool_)),
        ("16plus", "16 and older", faces.ages >= ADULT_AGE),
        ("21_60", "21 to 60", (faces.ages >= first) & (faces.ages <= last)),
    )
    found = []
    for name, words, mask in chosen:
        rows = np.flatnonzero(mask)
        figures = bootstrap.estimates(statistics(faces.take(rows)), rows)
        found.append(Population(name, words, len(rows), figures))
    return tuple(found)


def statistics(faces: LabelledPredictions) -> dict[str, Statistic]:
    """The figures as functions of weights."""
    ages, genders, ranges = faces.ages, faces.genders, faces.ranges
    everybody = np.zeros(len(ages), dtype=np.int64)
    commoner = int(genders.mean() >= 0.5) if len(genders) else 0
    about: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "mae": (mean_absolute_error, (ages, faces.age)),
        "rmse": (root_mean_squared_error, (ages, faces.age)),
        "median_error": (median_absolute_error, (ages, faces.age)),
        "bias": (mean_error, (ages, faces.age)),
        **{f"cs{k}": (cumulative_score, (ages, faces.age, k)) for k in TOLERANCES},
        "range_accuracy": (accuracy, (ranges, faces.range_index)),
        "range_one_off": (one_off_accuracy, (ranges, faces.range_index)),
        "range_macro_f1": (macro_f1, (ranges, faces.range_index, len(RANGE_NAMES))),
        "gender_accuracy": (accuracy, (genders, faces.gender)),
        "gender_balanced_accuracy": (balanced_accuracy, (genders, faces.gender)),
        "gender_auc": (area_under_curve, (genders, faces.p_female)),
        "men_as_women": (false_rate, (genders, faces.gender, 0)),
        "women_as_men": (false_rate, (genders, faces.gender, 1)),
        "gender_nll": (
            negative_log_likelihood,
            (np.where(genders == 1, faces.p_female, 1 - faces.p_female),),
        ),
        "gender_ece": (expected_calibration_error, (faces.p_female, genders == 1)),
    }
    answers = faces.predictions
    if answers is not None:
        rows = np.arange(len(ages))
        about["range_nll"] = (negative_log_likelihood, (answers.range_probabilities[rows, ranges],))
        surest = answers.range_probabilities[rows, faces.range_index]
        about["range_ece"] = (expected_calibration_error, (surest, ranges == faces.range_index))
        for level in LEVELS:
            low, high = answers.age_interval(level)
            about[f"coverage_{level * 100:.0f}"] = (interval_coverage, (ages, low, high))
            about[f"width_{level * 100:.0f}"] = (interval_width, (low, high))
    about["baseline_mae"] = (mean_absolute_error, (ages, group_medians(ages, everybody)))
    about["oracle_median_mae"] = (mean_absolute_error, (ages, group_medians(ages, ranges)))
    about["baseline_gender"] = (accuracy, (genders, np.full(len(ages), commoner)))
    return {name: partial(_called, *about[name]) for name in WORDS if name in about}


def _called(function: Callable[..., Any], arguments: tuple[Any, ...], weights: Any) -> Any:
    return function(*arguments, weights=weights)


def shown(value: float | None, unit: str) -> str:
    """A figure for people."""
    if value is None:
        return "-"
    return f"{value:.1%}" if unit == SHARE else f"{value:.2f}" if unit == YEARS else f"{value:.3f}"


def shown_estimate(found: Estimate, unit: str) -> str:
    """A figure for people, with its interval."""
    if found.low is None or found.high is None:
        return shown(found.value, unit)
    return f"{shown(found.value, unit)} ({shown(found.low, unit)} to {shown(found.high, unit)})"
