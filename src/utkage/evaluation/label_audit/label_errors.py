"""Which labels are probably wrong, from out-of-sample predictions of the same faces.

A label is taken for a draw from a mixture: with probability 1 - e it is the true one, which the
prediction p describes; with probability e it is wrong, and has the distribution m: the ages of all
faces, or the other gender. The probability that label y is wrong is therefore
``e m(y) / (e m(y) + (1 - e) p(y))``, and e is estimated by expectation maximisation over all faces.
The idea, out-of-sample probabilities against
given labels, is that of confident learning (Northcutt, Jiang and Chuang 2021, *Confident Learning:
Estimating Uncertainty in Dataset Labels*, JAIR 70), whose joint matrix of classes would have too
few faces in each of 117 years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from utkage.data.labels import AGE_COUNT
from utkage.evaluation.inputs.labelled_predictions import (
    GENDER_PROBABILITY,
    Floats,
    LabelledPredictions,
)

AGE_LABEL, GENDER_LABEL = "age", "gender"
# Labels of whole years pile up at round ones, and a right label is often a year or two off; so
# what counts is the probability near the label: weights of the years from -2 to 2.
_NEARBY = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
# Bounds of the estimated share of wrong labels. Below, one odd label would decide. Predictions that
# describe the labels hardly better than the ages of all faces lead above.
SHARE_BOUNDS = (0.001, 0.5)
_FIRST_SHARE = 0.02
_ROUNDS = 200
_SMALLEST = 1e-12


@dataclass(frozen=True)
class LabelErrors:
    """How probably each label of one kind is wrong.

    Attributes:
        label: ``AGE_LABEL`` or ``GENDER_LABEL``.
        probability: Probability that the label is wrong, (n,); NaN where there is no label or no
            prediction of it.
        share: Estimated share of wrong labels; None at ``SHARE_BOUNDS``, where these predictions
            cannot show it.
    """

    label: str
    probability: Floats
    share: float | None


def label_errors(faces: LabelledPredictions) -> tuple[LabelErrors, ...]:
    """The probabilities for ages, also those that are ranges, and for genders.

    A kind is missing if no face has both the label and a prediction of it.
    """
    found = []
    for label, likelihoods in ((AGE_LABEL, _ages(faces)), (GENDER_LABEL, _genders(faces))):
        given, if_wrong = likelihoods
        known = ~np.isnan(given)
        if not known.any():
            continue
        probability = np.full(len(faces), np.nan)
        probability[known], share = wrong_probabilities(given[known], if_wrong[known])
        found.append(LabelErrors(label, probability, None if share in SHARE_BOUNDS else share))
    return tuple(found)


def wrong_probabilities(given: Floats, if_wrong: Floats) -> tuple[Floats, float]:
    """The mixture's probability that each label is wrong, (n,), and the share of wrong labels.

    Args:
        given: Probability of each label by the prediction for its face, (n,).
        if_wrong: Probability of each label if it is wrong, (n,).
    """
    share = _FIRST_SHARE
    for _ in range(_ROUNDS):
        wrong = share * if_wrong / (share * if_wrong + (1 - share) * np.maximum(given, _SMALLEST))
        new = float(np.clip(wrong.mean(), *SHARE_BOUNDS))
        if abs(new - share) < 1e-9:
            break
        share = new
    return wrong, share


def _ages(faces: LabelledPredictions) -> tuple[Floats, Floats]:
    """The two likelihoods of each age label, (n,); NaN where there is none."""
    first, last = faces.allowed_ages.T
    known = (first >= 0) & ~np.isnan(faces.age)
    given, if_wrong = (np.full(len(faces), np.nan) for _ in range(2))
    if not known.any():
        return given, if_wrong
    if faces.predictions is not None:
        distributions = faces.predictions.age_distribution[known]
    else:
        distributions = _laplace(faces.age[known], first[known], last[known])
    labels = np.zeros(AGE_COUNT)
    for low, high in zip(first[known], last[known], strict=True):
        labels[low : high + 1] += 1 / (high - low + 1)
    given[known] = _mass(_smoothed(distributions), first[known], last[known])
    if_wrong[known] = _mass(_smoothed(labels[None] / labels.sum()), first[known], last[known])
    return given, if_wrong


def _smoothed(distributions: Floats) -> Floats:
    """Each year with its neighbours, (n, 117); what would lie outside stays at the ends."""
    reach = len(_NEARBY) // 2
    wide = np.pad(distributions, ((0, 0), (reach, reach)), mode="edge")
    shifted = (wide[:, shift : shift + AGE_COUNT] for shift in range(len(_NEARBY)))
    smooth = sum(weight * part for weight, part in zip(_NEARBY, shifted, strict=True))
    return np.asarray(smooth / np.sum(smooth, axis=1, keepdims=True))


def _mass(distributions: Floats, first: np.ndarray, last: np.ndarray) -> Floats:
    """Probability of the years ``first`` to ``last``, (n,), by each row, or by one for all."""
    sums = np.cumsum(np.pad(distributions, ((0, 0), (1, 0))), axis=1)
    rows = np.arange(len(first)) if len(sums) > 1 else 0
    return np.asarray(sums[rows, last + 1] - sums[rows, first])


def _laplace(ages: Floats, first: np.ndarray, last: np.ndarray) -> Floats:
    """Distributions around predicted ages whose width is the mean error, (n, 117).

    For programs that predict an age and no probabilities.
    """
    errors = np.maximum(np.maximum(first - ages, ages - last), 0)
    # The median is not moved by the wrong labels; that of a Laplace distribution is b ln 2.
    width = max(float(np.median(errors)) / np.log(2), 1.0)
    mass = np.exp(-np.abs(np.arange(AGE_COUNT) - ages[:, None]) / width)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def _genders(faces: LabelledPredictions) -> tuple[Floats, Floats]:
    """The two likelihoods of each gender label, (n,); NaN where there is none."""
    known = faces.labelled(GENDER_PROBABILITY)
    given = np.full(len(faces), np.nan)
    women = faces.genders == 1
    given[known] = np.where(women, faces.p_female, 1 - faces.p_female)[known]
    return given, 1 - given
