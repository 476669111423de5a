"""The metrics, one function each, on plain arrays of length n."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.data.labels import range_index
from utkage.engines.inference.predictions import Predictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ADULT_AGE = 16
PROTOCOL_21_60 = (21, 60)
INTERVAL_LEVEL = 0.8


def mean_absolute_error(ages: Ints, predicted: Floats) -> float:
    """MAE: mean of ``|predicted - age|``, in years."""
    return float(np.abs(predicted - ages).mean())


def cumulative_score(ages: Ints, predicted: Floats, tolerance: float) -> float:
    """CS@k: share of faces whose error is at most ``tolerance`` years (Geng et al. 2007)."""
    return float((np.abs(predicted - ages) <= tolerance).mean())


def mean_error(ages: Ints, predicted: Floats) -> float:
    """Bias: mean of ``predicted - age``, in years; above 0 means guessed too old."""
    return float((predicted - ages).mean())


def accuracy(truth: Ints, predicted: Ints) -> float:
    """Share of equal entries."""
    return float((truth == predicted).mean())


def range_medians(ages: Ints, ranges: Ints) -> Floats:
    """For each face the median age of all faces of its range, (n,).

    What an oracle answers that is told the true range and never looks at the picture: the
    yardstick for any error measured with the true range fed in.
    """
    medians = np.zeros(len(ages))
    for index in np.unique(ranges):
        medians[ranges == index] = np.median(ages[ranges == index])
    return medians


def interval_coverage(ages: Ints, low: Floats, high: Floats) -> float:
    """Share of labels inside their interval, both ends included."""
    return float(((low <= ages) & (ages <= high)).mean())


@dataclass(frozen=True)
class Metrics:
    """The figures of one evaluation. Fields over an empty group are None.

    Attributes:
        n: Number of faces.
        mae: Mean absolute error of the point estimate, years.
        mae_21_60: The same over true ages 21-60 (a protocol of the literature).
        mae_mean: MAE of the mean of the distribution, years.
        mae_median: MAE of the median of the distribution, years.
        bias: Mean signed error, years.
        cs5: Share within 5 years.
        range_accuracy: Share with the right one of nine age ranges.
        gender_accuracy: Share with the right gender, all ages.
        gender_accuracy_16plus: The same over true ages 16 and up.
        n_16plus: Number of faces of 16 and up.
        n_21_60: Number of faces of 21-60.
        interval_level: Promised coverage of the age interval.
        interval_coverage: Measured coverage.
        interval_width: Mean width, years.
        baseline_mae: MAE of answering the median age of these faces for every one.
        oracle_median_mae: MAE of answering the median age of the true range, without looking.
    """

    n: int
    mae: float
    mae_21_60: float | None
    mae_mean: float
    mae_median: float
    bias: float
    cs5: float
    range_accuracy: float
    gender_accuracy: float
    gender_accuracy_16plus: float | None
    n_16plus: int
    n_21_60: int
    interval_level: float
    interval_coverage: float
    interval_width: float
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
    years = np.arange(predictions.age_distribution.shape[1])
    ranges = np.array([range_index(int(age)) for age in ages], dtype=np.int64)
    adult = ages >= ADULT_AGE
    protocol = (ages >= PROTOCOL_21_60[0]) & (ages <= PROTOCOL_21_60[1])
    low, high = predictions.age_interval(INTERVAL_LEVEL)
    median, _ = predictions.age_interval(0.0)
    return Metrics(
        n=len(ages),
        mae=mean_absolute_error(ages, predictions.age),
        mae_21_60=(
            mean_absolute_error(ages[protocol], predictions.age[protocol])
            if protocol.any()
            else None
        ),
        mae_mean=mean_absolute_error(ages, predictions.age_distribution @ years),
        mae_median=mean_absolute_error(ages, median),
        bias=mean_error(ages, predictions.age),
        cs5=cumulative_score(ages, predictions.age, 5.0),
        range_accuracy=accuracy(ranges, predictions.range_index),
        gender_accuracy=accuracy(genders, predictions.gender),
        gender_accuracy_16plus=(
            accuracy(genders[adult], predictions.gender[adult]) if adult.any() else None
        ),
        n_16plus=int(adult.sum()),
        n_21_60=int(protocol.sum()),
        interval_level=INTERVAL_LEVEL,
        interval_coverage=interval_coverage(ages, low, high),
        interval_width=float((high - low).mean()),
        baseline_mae=mean_absolute_error(ages, np.full(len(ages), float(np.median(ages)))),
        oracle_median_mae=mean_absolute_error(ages, range_medians(ages, ranges)),
    )


def score_sources(faces: LabelledChips, predictions: Predictions) -> dict[str, Metrics]:
    """The figures of each source by its name; empty if all faces are of one source."""
    names = faces.source_names
    if len(names) < 2:
        return {}
    rows = {name: np.flatnonzero(faces.of_source(name)) for name in names}
    return {
        name: score(faces.ages[chosen], faces.genders[chosen], predictions.take(chosen))
        for name, chosen in rows.items()
    }
