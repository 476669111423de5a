"""``Metrics``: the short list of metrics that training, cards and comparisons show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.data.chips import LabelledChips
from utkage.evaluation.inputs.labelled_predictions import (
    ADULT_AGE,
    AGE,
    AGE_RANGE,
    PROTOCOL_21_60,
    LabelledPredictions,
    with_labels,
)
from utkage.evaluation.metrics import age_errors
from utkage.evaluation.metrics.bootstrap import Ints, rounded
from utkage.evaluation.metrics.registry import INTERVAL_LEVEL, metric_value, statistics
from utkage.prediction.predictions import Predictions, distribution_quantile


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The short list of metrics. Values over no faces with the label that they need are None.

    Attributes:
        n: Number of faces.
        mae: Mean absolute error of the point estimate, years.
        mae_21_60: The same over true ages 21-60 (a protocol of the literature).
        mae_mean: MAE of the mean of the distribution, years; None without distributions.
        mae_median: MAE of the median of the distribution, years; None without distributions.
        bias: Mean signed error, years.
        cs5: Share of errors within 5 years.
        range_accuracy: Share with the correct one of nine age ranges.
        gender_accuracy: Share with the correct gender, all ages.
        gender_accuracy_16plus: The same over true ages 16 and up.
        n_16plus: Number of faces of 16 and up.
        n_21_60: Number of faces of 21-60.
        interval_level: Nominal coverage of the age interval.
        interval_coverage: Measured coverage; None without distributions.
        interval_width: Mean width, years; None without distributions.
        baseline_mae: MAE of predicting the median age of these faces for every face.
        oracle_median_mae: MAE of predicting the median age of each face's true range.
        label_range_accuracy: Share of ages within the labelled range, over ages that are ranges.
        label_range_distance: Mean distance to that range, years.
        n_label_ranges: Number of faces whose age is a range.
    """

    n: int
    mae: float | None = None
    mae_21_60: float | None
    mae_mean: float | None
    mae_median: float | None
    bias: float | None = None
    cs5: float | None = None
    range_accuracy: float | None = None
    gender_accuracy: float | None = None
    gender_accuracy_16plus: float | None
    n_16plus: int
    n_21_60: int
    interval_level: float
    interval_coverage: float | None
    interval_width: float | None
    baseline_mae: float | None = None
    oracle_median_mae: float | None = None
    label_range_accuracy: float | None = None
    label_range_distance: float | None = None
    n_label_ranges: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded to four decimals; without metrics of ranges if there are none."""
        found: dict[str, Any] = rounded(vars(self))
        if not self.n_label_ranges:
            found = {key: value for key, value in found.items() if "label_range" not in key}
        return found


def score(ages: Ints, genders: Ints, predictions: Predictions) -> Metrics:
    """The short list for n >= 1 faces of true ``ages``, (n,), and ``genders``, (n,)."""
    count = len(predictions)
    if not len(ages) == len(genders) == count or count == 0:
        raise ValueError(f"{len(ages)} ages, {len(genders)} genders, {count} predictions")
    return score_predictions(
        LabelledPredictions(
            sources=("",) * count,
            names=("",) * count,
            groups=np.arange(count),
            ages=ages,
            genders=genders,
            races=np.full(count, -1),
            age=predictions.age,
            p_female=predictions.p_female,
            range_index=predictions.range_index,
            predictions=predictions,
        )
    )


def score_predictions(faces: LabelledPredictions) -> Metrics:
    """The short list for at least one face, with or without distributions."""
    protocol, adults = faces.of_ages(*PROTOCOL_21_60), faces.of_ages(ADULT_AGE)
    # These need no distributions, so that they are defined for any faces.
    names = ("mae", "bias", "cs5", "range_accuracy", "gender_accuracy")
    ranges = ("label_range_accuracy", "label_range_distance")
    defined = statistics(faces, (*names, "baseline_mae", "oracle_median_mae", *ranges))
    mae_mean, mae_median = _point_estimates(faces)
    return Metrics(
        n=len(faces),
        mae_21_60=metric_value("mae", protocol),
        mae_mean=mae_mean,
        mae_median=mae_median,
        gender_accuracy_16plus=metric_value("gender_accuracy", adults),
        n_16plus=len(adults),
        n_21_60=len(protocol),
        interval_level=INTERVAL_LEVEL,
        interval_coverage=metric_value("coverage_80", faces),
        interval_width=metric_value("width_80", faces),
        n_label_ranges=int(faces.labelled(AGE_RANGE).sum()),
        **{name: float(statistic(None)) for name, statistic in defined.items()},
    )


def _point_estimates(faces: LabelledPredictions) -> tuple[float | None, float | None]:
    """MAE of the mean and of the median of the distributions, whichever the weights predict."""
    faces = faces.with_label(AGE)
    if faces.predictions is None or not len(faces):
        return None, None
    distribution = faces.predictions.age_distribution
    mean = distribution @ np.arange(distribution.shape[1])
    median = distribution_quantile(distribution, 0.5)
    error = partial(age_errors.mean_absolute_error, faces.ages)
    return error(mean), error(median)


def score_sources(faces: LabelledChips, predictions: Predictions) -> dict[str, Metrics]:
    """The short list of each source by its name; empty if all faces come from one source."""
    return score_predictions_by_source(with_labels(faces, predictions))


def score_predictions_by_source(faces: LabelledPredictions) -> dict[str, Metrics]:
    """The short list of each source by its name; empty if all faces come from one source."""
    names = sorted(set(faces.sources))
    if len(names) < 2:
        return {}
    sources = np.array(faces.sources)
    return {name: score_predictions(faces.take(np.flatnonzero(sources == name))) for name in names}
