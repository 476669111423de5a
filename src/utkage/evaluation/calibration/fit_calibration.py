"""Fitting a ``Calibration`` to validation faces: temperatures, and levels of age intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError
from utkage.evaluation.inputs.labelled_predictions import Floats, Ints, ranges_of
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.prediction.predictions import Predictions, distribution_below

# Starts of the bands of predicted age, years. Each holds over 200 faces of a validation split of
# 2,300: 80 % coverage measured on n faces is uncertain by two standard errors,
# 2 sqrt(0.8 * 0.2 / n), which are 5 points at n = 250. Narrower bands would be less certain.
BAND_STARTS = (0.0, 16.0, 25.0, 35.0, 50.0)
# A band of fewer faces takes the levels of all: its own 90 % point would rest on ten faces.
MIN_BAND_FACES = 100
# Fewer faces do not determine a level of 90 %.
MIN_FACES = 100
_SMALLEST = 1e-12
_TEMPERATURES = (0.05, 20.0)


def fit_calibration(
    ages: Ints,
    genders: Ints,
    predictions: Predictions,
    fitted_on: dict[str, Any],
    band_starts: tuple[float, ...] = BAND_STARTS,
    sources: Sequence[str] = (),
) -> Calibration:
    """Fit temperatures and conformal levels to faces outside the training images.

    Args:
        ages: True whole years, (n,).
        genders: 0 male, 1 female, (n,).
        predictions: Predictions for the same faces *without* calibration.
        fitted_on: Description of the faces for the card; their number is added.
        band_starts: Starts of the bands of predicted age, years, rising.
        sources: Source of each face, (n,), if there are several. A level of the mixture would hold
            on average, and fail on the harder source; each band takes the widest of its sources.

    Raises:
        DataError: too few faces.
    """
    if predictions.calibration is not None:
        raise ValueError("predictions are calibrated already; pass uncalibrated ones")
    if len(predictions) < MIN_FACES:
        raise DataError(
            f"{len(predictions)} faces are too few to calibrate with; use at least {MIN_FACES}"
        )
    both = np.stack([1 - predictions.p_female, predictions.p_female], axis=1)
    scores = conformity_scores(ages, predictions.age_distribution)
    return Calibration(
        gender_temperature=fit_temperature(both, genders),
        range_temperature=fit_temperature(predictions.range_probabilities, ranges_of(ages)),
        levels=LEVELS,
        bands=_bands(scores, predictions.age, band_starts, np.array(sources)),
        fitted_on={**fitted_on, "n": len(predictions)},
    )


def fit_temperature(probabilities: Floats, truth: Ints) -> float:
    """The temperature that minimises the negative log-likelihood (Guo et al. 2017).

    It divides the logarithms of ``probabilities``, (n, classes), and is above 1 if they are
    overconfident, below 1 if underconfident. ``truth`` holds indices of the true classes, (n,).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.log(np.maximum(probabilities, _SMALLEST))
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[rows, truth].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def conformity_scores(ages: Ints, distributions: Floats) -> Floats:
    """The smallest central level whose interval contains each face's age, (n,), 0..1.

    With F the cumulative distribution, the central interval of level L contains the age a if
    (1 - L) / 2 <= F(a) <= (1 + L) / 2.
    """
    return np.abs(2 * distribution_below(distributions, ages.astype(np.float64)) - 1)


def conformal_levels(scores: Floats, levels: tuple[float, ...] = LEVELS) -> tuple[float, ...]:
    """The central level of the distribution that gives each nominal level on new faces.

    It is the ceil((n + 1) level)-th smallest of n scores (split conformal prediction, Vovk et al.
    2005; Lei et al. 2018), which covers an exchangeable face with at least that probability; 1 if
    n is too small for the level.
    """
    ordered = np.append(np.sort(scores), 1.0)
    # The small difference is for rounding: (n + 1) * 0.9 may be just above a whole number.
    ranks = np.ceil((len(scores) + 1) * np.array(levels) - 1e-9).astype(np.int64)
    return tuple(float(value) for value in ordered[np.minimum(ranks, len(ordered)) - 1])


def _bands(
    scores: Floats, ages: Floats, starts: tuple[float, ...], sources: NDArray[np.str_]
) -> tuple[AgeBand, ...]:
    index = np.searchsorted(starts[1:], ages, side="right")
    bands = []
    for band, first in enumerate(starts):
        inside = index == band
        pooled = int(inside.sum()) < MIN_BAND_FACES
        rows = np.ones_like(inside) if pooled else inside
        groups = [scores[rows]]
        groups += [scores[rows & (sources == name)] for name in np.unique(sources)]
        levels = [conformal_levels(own) for own in groups if len(own) >= MIN_BAND_FACES]
        widest = tuple(float(level) for level in np.max(levels, axis=0))
        bands.append(AgeBand(first, int(inside.sum()), widest, pooled))
    return tuple(bands)
