"""Correcting how common a model takes each age to be, on faces that it did not learn from.

A network answers with how well each age fits the face times how common it learned the age to be.
Labels that were blurred while it learned, weighting and augmentation bend the second factor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError
from utkage.data.labels import AGE_COUNT
from utkage.evaluation.labelled_predictions import ranges_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Years at which the correction is free; it is linear between them. Ages change faces fastest early.
KNOTS = (0, 3, 8, 13, 20, 30, 40, 52, 68, 85)
# Standard deviation of the normal distribution that corrections are expected to follow, nats. It
# keeps those from few faces near zero. By cross-validation, 0.1 to 0.4 do about the same.
EXPECTED = 0.3
MIN_FACES = 100
_SMALLEST = 1e-12


def fit_age_prior(ages: Ints, distributions: Floats) -> Floats:
    """What to add to the logarithm of each year's probability, nats, (117,).

    The maximum a posteriori of a bias on the logits (Saerens et al. 2002, Neural Computation 14;
    Alexandari et al. 2020, ICML, "bias-corrected" scaling without the temperature), piecewise
    linear in the year. What it maximises is the likelihood of the true age *ranges*: whole years
    would teach that people like to be 26, 30 or 35, as labels have it.

    Args:
        ages: True whole years, (n,).
        distributions: Answers for the same faces, (n, 117).

    Raises:
        DataError: too few faces.
    """
    from scipy.optimize import minimize

    _require_enough(len(ages))
    years = np.arange(AGE_COUNT)
    basis = np.stack([np.interp(years, KNOTS, unit) for unit in np.eye(len(KNOTS))], axis=1)
    inside = ranges_of(years)[None, :] == ranges_of(ages)[:, None]
    start = np.log(np.maximum(distributions, _SMALLEST))

    def loss(knots: Floats) -> tuple[float, Floats]:
        moved = _softmax(start + basis @ knots)
        right = np.where(inside, moved, 0.0)
        chance = np.maximum(right.sum(axis=1), _SMALLEST)
        value = -np.log(chance).sum() + (knots**2).sum() / (2 * EXPECTED**2)
        gradient = (moved - right / chance[:, None]).sum(axis=0) @ basis + knots / EXPECTED**2
        return float(value), gradient

    found = minimize(loss, np.zeros(len(KNOTS)), jac=True, method="L-BFGS-B")
    added: Floats = basis @ found.x
    return added


def fit_range_prior(ranges: Ints, probabilities: Floats) -> Floats:
    """What to add to the logarithm of each age range's probability, nats, (9,).

    As ``fit_age_prior``, for models that answer ranges themselves. A temperature is fitted beside
    the bias (Alexandari et al. 2020: "bias-corrected temperature scaling") and divided out again:
    answers that are too modest would otherwise pass for a wrong prior.

    Args:
        ranges: True ranges, (n,).
        probabilities: Answers for the same faces, (n, 9).

    Raises:
        DataError: too few faces.
    """
    from scipy.optimize import minimize

    _require_enough(len(ranges))
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    truth = np.eye(logs.shape[1])[ranges]

    def loss(asked: Floats) -> tuple[float, Floats]:
        sharpness, bias = asked[0], asked[1:]
        moved = _softmax(sharpness * logs + bias)
        chance = np.maximum((moved * truth).sum(axis=1), _SMALLEST)
        value = -np.log(chance).sum() + (bias**2).sum() / (2 * EXPECTED**2)
        error = moved - truth
        gradient = np.append((error * logs).sum(), error.sum(axis=0) + bias / EXPECTED**2)
        return float(value), gradient

    start = np.append(1.0, np.zeros(logs.shape[1]))
    bounds = [(0.1, 10.0), *[(None, None)] * logs.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    added: Floats = found.x[1:] / found.x[0]
    return added


def _require_enough(faces: int) -> None:
    if faces < MIN_FACES:
        raise DataError(f"{faces} faces are too few for an age prior; use at least {MIN_FACES}")


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
