"""Correcting a model's prior over ages on faces outside its training images.

A network predicts how well each age fits the face, times how common the age was in training.
Blurred labels, weighting and augmentation distort the second factor.
"""

from __future__ import annotations

import numpy as np

from utkage.core.errors import DataError
from utkage.data.labels import AGE_COUNT
from utkage.evaluation.inputs.labelled_predictions import Floats, Ints, ranges_of

# Years at which the correction is free; it is linear between them. Faces change fastest when young.
KNOTS = (0, 3, 8, 13, 20, 30, 40, 52, 68, 85)
# Standard deviation of the normal prior on corrections, nats. It keeps corrections from few faces
# near zero. In cross-validation, 0.1 to 0.4 perform about equally.
PRIOR_SCALE = 0.3
MIN_FACES = 100
_SMALLEST = 1e-12


def fit_age_prior(ages: Ints, distributions: Floats) -> Floats:
    """The correction of the logarithm of each year's probability, nats, (117,).

    The maximum a posteriori estimate of a bias on the logits (Saerens et al. 2002, Neural
    Computation 14; Alexandari et al. 2020, ICML, "bias-corrected" scaling without the
    temperature), piecewise linear in the year. It maximises the likelihood of the true age
    *ranges*: the likelihood of whole years would reproduce the heaps of labels at 26, 30 or 35.
    ``ages`` are true whole years, (n,); ``distributions`` those predicted for them, (n, 117).

    Raises:
        DataError: too few faces.
    """
    from scipy.optimize import minimize
    from scipy.special import softmax

    _require_enough(len(ages))
    years = np.arange(AGE_COUNT)
    basis = np.stack([np.interp(years, KNOTS, unit) for unit in np.eye(len(KNOTS))], axis=1)
    inside = ranges_of(years)[None, :] == ranges_of(ages)[:, None]
    start = np.log(np.maximum(distributions, _SMALLEST))

    def loss(knots: Floats) -> tuple[float, Floats]:
        shifted = softmax(start + basis @ knots, axis=1)
        correct = np.where(inside, shifted, 0.0)
        likelihood = np.maximum(correct.sum(axis=1), _SMALLEST)
        value = -np.log(likelihood).sum() + (knots**2).sum() / (2 * PRIOR_SCALE**2)
        error = shifted - correct / likelihood[:, None]
        return float(value), error.sum(axis=0) @ basis + knots / PRIOR_SCALE**2

    found = minimize(loss, np.zeros(len(KNOTS)), jac=True, method="L-BFGS-B")
    return np.asarray(basis @ found.x)


def fit_range_prior(ranges: Ints, probabilities: Floats) -> Floats:
    """The correction of the logarithm of each age range's probability, nats, (9,).

    As ``fit_age_prior``, for models that predict ranges themselves. A temperature is fitted with
    the bias (Alexandari et al. 2020: "bias-corrected temperature scaling") and divided out again;
    otherwise underconfident predictions would look like a wrong prior. ``ranges`` are indices of
    the true ranges, (n,); ``probabilities`` those predicted for them, (n, 9).

    Raises:
        DataError: too few faces.
    """
    from scipy.optimize import minimize
    from scipy.special import softmax

    _require_enough(len(ranges))
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    truth = np.eye(logs.shape[1])[ranges]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        sharpness, bias = parameters[0], parameters[1:]
        shifted = softmax(sharpness * logs + bias, axis=1)
        likelihood = np.maximum((shifted * truth).sum(axis=1), _SMALLEST)
        value = -np.log(likelihood).sum() + (bias**2).sum() / (2 * PRIOR_SCALE**2)
        error = shifted - truth
        gradient = np.append((error * logs).sum(), error.sum(axis=0) + bias / PRIOR_SCALE**2)
        return float(value), gradient

    start = np.append(1.0, np.zeros(logs.shape[1]))
    bounds = [(0.1, 10.0), *[(None, None)] * logs.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[1:] / found.x[0])


def _require_enough(faces: int) -> None:
    if faces < MIN_FACES:
        raise DataError(f"{faces} faces are too few for an age prior; use at least {MIN_FACES}")
