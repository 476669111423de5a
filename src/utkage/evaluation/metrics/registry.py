"""The registry of metrics.

To add a metric, write a function that takes bootstrap weights (see ``bootstrap``) and add one line
to ``METRICS``. Populations, groups, comparisons, training and every table read that registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.core.text import counted
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    AGE_RANGE,
    GENDER,
    GENDER_PROBABILITY,
    LEVELS,
    LabelledPredictions,
)
from utkage.evaluation.metrics import age_errors, classification, reliability
from utkage.evaluation.metrics.bootstrap import (
    Estimate,
    Floats,
    Ints,
    OnSomeFaces,
    Statistic,
    weighted_mean,
)

YEARS = "years"
SHARE = "share"
PLAIN = ""

TOLERANCES = range(1, 11)
INTERVAL_LEVEL = 0.8

ToStatistic = Callable[[LabelledPredictions], Statistic]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        label: Name in tables and charts.
        unit: ``YEARS``, ``SHARE`` or ``PLAIN``; it decides how values are formatted.
        statistic: From labelled predictions to the function of bootstrap weights.
        needs_distributions: Whether the metric needs probability distributions, not only numbers.
        needs: Kind of label and prediction that the metric needs, such as ``AGE``.
    """

    label: str
    unit: str
    statistic: ToStatistic
    needs_distributions: bool = False
    needs: str = AGE

    @property
    def heading(self) -> str:
        """The label, with the unit where it is years."""
        return f"{self.label}, years" if self.unit == YEARS else self.label


def _gender_likelihood(faces: LabelledPredictions) -> Floats:
    return np.where(faces.genders == 1, faces.p_female, 1 - faces.p_female)


def _range_probability(faces: LabelledPredictions, ranges: Ints) -> Floats:
    assert faces.predictions is not None
    return faces.predictions.range_probabilities[np.arange(len(faces)), ranges]


def _majority_gender(faces: LabelledPredictions) -> Ints:
    return np.full(len(faces), int(len(faces) > 0 and faces.genders.mean() >= 0.5))


# Statistics that compare predicted with true ages, age ranges or genders, from functions that take
# both, then ``arguments``, then bootstrap weights.
def _of_age(error: Callable[..., Any], *arguments: Any) -> ToStatistic:
    return lambda f: partial(error, f.ages, f.age, *arguments)


def _of_age_medians(groups: Callable[[LabelledPredictions], Ints]) -> ToStatistic:
    return lambda f: partial(
        age_errors.mean_absolute_error, f.ages, age_errors.group_medians(f.ages, groups(f))
    )


def _of_range(rate: Callable[..., Any], *arguments: Any) -> ToStatistic:
    return lambda f: partial(rate, f.ranges, f.range_index, *arguments)


def _of_years_outside(function: Callable[[Ints], Any]) -> ToStatistic:
    return lambda f: partial(
        weighted_mean, function(age_errors.years_outside(f.allowed_ages, f.age))
    )


def _of_gender(rate: Callable[..., Any], *arguments: Any) -> ToStatistic:
    return lambda f: partial(rate, f.genders, f.gender, *arguments)


def _interval_metrics(level: float) -> dict[str, Metric]:
    percent = f"{level * 100:.0f}"
    return {
        f"coverage_{percent}": Metric(
            f"coverage of the {percent} % interval",
            SHARE,
            lambda f: partial(reliability.interval_coverage, f.ages, *f.intervals[level]),
            needs_distributions=True,
        ),
        f"width_{percent}": Metric(
            f"width of the {percent} % interval",
            YEARS,
            lambda f: partial(reliability.interval_width, *f.intervals[level]),
            needs_distributions=True,
        ),
    }


# By their keys in JSON, in the order of tables.
METRICS: dict[str, Metric] = {
    "mae": Metric("MAE", YEARS, _of_age(age_errors.mean_absolute_error)),
    "rmse": Metric("RMSE", YEARS, _of_age(age_errors.root_mean_squared_error)),
    "median_error": Metric("median error", YEARS, lambda f: age_errors.MedianError(f.ages, f.age)),
    "bias": Metric("bias (positive: predicted too old)", YEARS, _of_age(age_errors.mean_error)),
    **{
        f"cs{k}": Metric(
            f"CS@{k}: error of at most {counted(k, 'year')}",
            SHARE,
            _of_age(age_errors.cumulative_score, k),
        )
        for k in TOLERANCES
    },
    "range_accuracy": Metric(
        "age range accuracy (nine ranges)", SHARE, _of_range(classification.accuracy)
    ),
    "range_one_off": Metric(
        "age range correct or adjacent", SHARE, _of_range(classification.one_off_accuracy)
    ),
    "range_macro_f1": Metric("macro-F1 of age ranges", PLAIN, _of_range(classification.macro_f1)),
    "label_range_accuracy": Metric(
        "age within the labelled range",
        SHARE,
        _of_years_outside(lambda years: years == 0),
        needs=AGE_RANGE,
    ),
    "label_range_distance": Metric(
        "distance to the labelled range", YEARS, _of_years_outside(np.abs), needs=AGE_RANGE
    ),
    "label_range_bias": Metric(
        "bias beyond the labelled range (positive: predicted too old)",
        YEARS,
        _of_years_outside(np.asarray),
        needs=AGE_RANGE,
    ),
    "gender_accuracy": Metric(
        "gender accuracy", SHARE, _of_gender(classification.accuracy), needs=GENDER
    ),
    "gender_balanced_accuracy": Metric(
        "balanced gender accuracy",
        SHARE,
        _of_gender(classification.balanced_accuracy),
        needs=GENDER,
    ),
    "gender_auc": Metric(
        "gender AUC",
        PLAIN,
        lambda f: classification.AreaUnderCurve(f.genders, f.p_female),
        needs=GENDER_PROBABILITY,
    ),
    "men_as_women": Metric(
        "males predicted female", SHARE, _of_gender(classification.false_rate, 0), needs=GENDER
    ),
    "women_as_men": Metric(
        "females predicted male", SHARE, _of_gender(classification.false_rate, 1), needs=GENDER
    ),
    "gender_nll": Metric(
        "gender NLL, nats",
        PLAIN,
        lambda f: partial(reliability.negative_log_likelihood, _gender_likelihood(f)),
        needs=GENDER_PROBABILITY,
    ),
    "gender_ece": Metric(
        "gender ECE",
        SHARE,
        lambda f: partial(reliability.expected_calibration_error, f.p_female, f.genders == 1),
        needs=GENDER_PROBABILITY,
    ),
    "range_nll": Metric(
        "age range NLL, nats",
        PLAIN,
        lambda f: partial(reliability.negative_log_likelihood, _range_probability(f, f.ranges)),
        needs_distributions=True,
    ),
    "range_ece": Metric(
        "age range ECE",
        SHARE,
        lambda f: partial(
            reliability.expected_calibration_error,
            _range_probability(f, f.range_index),
            f.ranges == f.range_index,
        ),
        needs_distributions=True,
    ),
    **{name: metric for level in LEVELS for name, metric in _interval_metrics(level).items()},
    "baseline_mae": Metric(
        "MAE of the median age (baseline)",
        YEARS,
        _of_age_medians(lambda f: np.zeros(len(f), dtype=np.int64)),
    ),
    "oracle_median_mae": Metric(
        "MAE of the true range's median age (oracle)", YEARS, _of_age_medians(lambda f: f.ranges)
    ),
    "baseline_gender": Metric(
        "majority-class gender accuracy (baseline)",
        SHARE,
        lambda f: partial(classification.accuracy, f.genders, _majority_gender(f)),
        needs=GENDER,
    ),
}


def statistics(
    faces: LabelledPredictions, names: Iterable[str] = tuple(METRICS)
) -> dict[str, Statistic]:
    """The named metrics of ``faces`` as functions of bootstrap weights.

    Metrics that need distributions are missing where ``faces`` have none, and metrics that need a
    label, and a prediction of it, are missing where no face has both.
    """
    return {
        name: labelled_statistic(METRICS[name], faces)
        for name in names
        if _is_defined(METRICS[name], faces)
    }


def _is_defined(metric: Metric, faces: LabelledPredictions) -> bool:
    if metric.needs_distributions and faces.predictions is None:
        return False
    if not len(faces):
        return metric.needs not in (AGE_RANGE, GENDER_PROBABILITY)
    return bool(faces.labelled(metric.needs).any())


def labelled_statistic(metric: Metric, faces: LabelledPredictions) -> Statistic:
    """The metric of those faces that have the label it needs."""
    mask = faces.labelled(metric.needs)
    if mask.all():
        return metric.statistic(faces)
    rows = np.flatnonzero(mask)
    return OnSomeFaces(metric.statistic(faces.take(rows)), rows)


def metric_value(name: str, faces: LabelledPredictions) -> float | None:
    """One metric without an interval; None over no faces, or without what the metric needs."""
    found = statistics(faces, (name,)) if len(faces) else {}
    return float(found[name](None)) if found else None


def format_value(value: float | None, unit: str) -> str:
    """A value of a metric as text, such as ``"4.30"`` (years) or ``"95.4%"``; None is ``"-"``."""
    if value is None:
        return "-"
    return f"{value:.1%}" if unit == SHARE else f"{value:.2f}" if unit == YEARS else f"{value:.3f}"


def format_estimate(found: Estimate, unit: str, *, signed: bool = False) -> str:
    """A value with its interval as text, such as ``"4.30 (4.11 to 4.49)"``.

    A ``signed`` value, such as a difference, begins with + or -.
    """
    value = format_value(found.value, unit)
    if signed and not value.startswith("-"):
        value = f"+{value}"
    if found.low is None or found.high is None:
        return value
    return f"{value} ({format_value(found.low, unit)} to {format_value(found.high, unit)})"
