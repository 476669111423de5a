"""``Metrics``: the short list that training, cards and tables show; ``figures`` has all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.evaluation.age_errors import (
    cumulative_score,
    group_medians,
    mean_absolute_error,
    mean_error,
)
from utkage.evaluation.classification import accuracy
from utkage.evaluation.labelled_predictions import LabelledPredictions, answered, ranges_of
from utkage.evaluation.populations import ADULT_AGE, PROTOCOL_21_60
from utkage.evaluation.reliability import interval_coverage
from utkage.prediction.predictions import Predictions, distribution_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERVAL_LEVEL = 0.8


@dataclass(frozen=True)
class Metrics:
    """The figures of one evaluation. Fields over an empty group are None.

    Attributes:
        n: Number of faces.
        mae: Mean absolute error of the point estimate, years.
        mae_21_60: The same over true ages 21-60 (a protocol of the literature).
        mae_mean: MAE of the mean of the distribution, years; None without distributions.
        mae_median: MAE of the median of the distribution, years; None likewise.
        bias: Mean signed error, years.
        cs5: Share within 5 years.
        range_accuracy: Share with the right one of nine age ranges.
        gender_accuracy: Share with the right gender, all ages.
        gender_accuracy_16plus: The same over true ages 16 and up.
        n_16plus: Number of faces of 16 and up.
        n_21_60: Number of faces of 21-60.
        interval_level: Promised coverage of the age interval.
        interval_coverage: Measured coverage; None without distributions.
        interval_width: Mean width, years; None likewise.
        baseline_mae: MAE of answering the median age of these faces for every one.
        oracle_median_mae: MAE of answering the median age of the true range, without looking.
    """

    n: int
    mae: float
    mae_21_60: float | None
    mae_mean: float | None
    mae_median: float | None
    bias: float
    cs5: float
    range_accuracy: float
    gender_accuracy: float
    gender_accuracy_16plus: float | None
    n_16plus: int
    n_21_60: int
    interval_level: float
    interval_coverage: float | None
    interval_width: float | None
    baseline_mae: float
    oracle_median_mae: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, figures rounded to four decimals."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def score(ages: Ints, genders: Ints, predictions: Predictions) -> Metrics:
    """All figures for n faces with known labels.

    Args:
        ages: True whole years, (n,).
        genders: 0 male, 1 female, (n,).
        predictions: Answers for the same faces in the same order; n at least 1.
    """
    if not len(ages) == len(genders) == len(predictions) or len(ages) == 0:
        raise ValueError(
            f"{len(ages)} ages, {len(genders)} genders, {len(predictions)} predictions"
        )
    return _score(
        ages, genders, predictions.age, predictions.gender, predictions.range_index, predictions
    )


def score_predictions(faces: LabelledPredictions) -> Metrics:
    """All figures of answers, with or without distributions; at least one face."""
    return _score(
        faces.ages, faces.genders, faces.age, faces.gender, faces.range_index, faces.predictions
    )


def _score(
    ages: Ints,
    genders: Ints,
    age: Floats,
    gender: Ints,
    range_index: Ints,
    predictions: Predictions | None,
) -> Metrics:
    ranges = ranges_of(ages)
    adult = ages >= ADULT_AGE
    protocol = (ages >= PROTOCOL_21_60[0]) & (ages <= PROTOCOL_21_60[1])
    return Metrics(
        n=len(ages),
        mae=mean_absolute_error(ages, age),
        mae_21_60=mean_absolute_error(ages[protocol], age[protocol]) if protocol.any() else None,
        **_of_distributions(ages, predictions),
        bias=mean_error(ages, age),
        cs5=cumulative_score(ages, age, 5.0),
        range_accuracy=accuracy(ranges, range_index),
        gender_accuracy=accuracy(genders, gender),
        gender_accuracy_16plus=accuracy(genders[adult], gender[adult]) if adult.any() else None,
        n_16plus=int(adult.sum()),
        n_21_60=int(protocol.sum()),
        interval_level=INTERVAL_LEVEL,
        baseline_mae=mean_absolute_error(ages, np.full(len(ages), float(np.median(ages)))),
        oracle_median_mae=mean_absolute_error(ages, group_medians(ages, ranges)),
    )


def _of_distributions(ages: Ints, predictions: Predictions | None) -> dict[str, float | None]:
    if predictions is None:
        return dict.fromkeys(("mae_mean", "mae_median", "interval_coverage", "interval_width"))
    years = np.arange(predictions.age_distribution.shape[1])
    low, high = predictions.age_interval(INTERVAL_LEVEL)
    median = distribution_quantile(predictions.age_distribution, 0.5)
    return {
        "mae_mean": mean_absolute_error(ages, predictions.age_distribution @ years),
        "mae_median": mean_absolute_error(ages, median),
        "interval_coverage": interval_coverage(ages, low, high),
        "interval_width": float((high - low).mean()),
    }


def score_sources(faces: LabelledChips, predictions: Predictions) -> dict[str, Metrics]:
    """The figures of each source by its name; empty if all faces are of one source."""
    return score_predictions_by_source(answered(faces, predictions))


def score_predictions_by_source(faces: LabelledPredictions) -> dict[str, Metrics]:
    """The figures of each source by its name; empty if all faces are of one source."""
    names = sorted(set(faces.sources))
    if len(names) < 2:
        return {}
    sources = np.array(faces.sources)
    return {name: score_predictions(faces.take(np.flatnonzero(sources == name))) for name in names}
