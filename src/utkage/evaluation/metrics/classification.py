"""Accuracy of classes (age ranges and gender), optionally over bootstrap weights (``bootstrap``).

``truth`` and ``predicted`` are class indices (n,); gender is 0 male, 1 female.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from utkage.evaluation.metrics.bootstrap import (
    Floats,
    Ints,
    Weights,
    as_statistic,
    weighted_mean,
    weighted_sums,
)


def accuracy(truth: Ints, predicted: Ints, weights: Weights = None) -> Any:
    """Share of correct classes."""
    return weighted_mean(truth == predicted, weights)


def one_off_accuracy(truth: Ints, predicted: Ints, weights: Weights = None) -> Any:
    """Share of classes that are correct or adjacent to the correct one (Levi & Hassner 2015)."""
    return weighted_mean(np.abs(truth - predicted) <= 1, weights)


def macro_f1(truth: Ints, predicted: Ints, weights: Weights = None) -> Any:
    """Mean over the classes that occur of F1 = 2 TP / (2 TP + FP + FN); NaN without faces.

    A class that is only predicted has no F1 of its own: in a population of some ages, a single face
    that is predicted to have another range would add a zero. Classes that a resample neither has
    nor predicts are skipped.
    """
    index = np.unique(truth)
    actual, guessed = truth[:, None] == index, predicted[:, None] == index
    right = weighted_sums(actual & guessed, weights)
    total = weighted_sums(actual, weights) + weighted_sums(guessed, weights)
    counted = (total > 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        scores = np.where(total > 0, 2 * right / total, 0.0)
        return as_statistic(scores.sum(axis=1) / counted, weights)


def recall(truth: Ints, predicted: Ints, of: int, weights: Weights = None) -> Any:
    """Share of the faces of class ``of`` that are predicted to be of it; NaN without such faces."""
    own = truth == of
    sums = weighted_sums(np.stack([own & (predicted == of), own], axis=1), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return as_statistic(sums[:, 0] / sums[:, 1], weights)


def false_rate(truth: Ints, predicted: Ints, of: int, weights: Weights = None) -> Any:
    """Share of the faces of class ``of`` that are predicted to be of another: 1 - recall."""
    return 1 - recall(truth, predicted, of, weights)


def balanced_accuracy(truth: Ints, predicted: Ints, weights: Weights = None) -> Any:
    """Mean of the recalls of two classes; 1/2 for a constant prediction."""
    first, second = (recall(truth, predicted, of, weights) for of in (0, 1))
    return (first + second) / 2


def area_under_curve(truth: Ints, scores: Floats, weights: Weights = None) -> Any:
    """AUC: the probability that a face of class 1 scores higher than one of class 0.

    Equal scores count half (the Mann-Whitney statistic; Hanley & McNeil 1982). NaN with one class.
    """
    return AreaUnderCurve(truth, scores)(weights)


class AreaUnderCurve:
    """``area_under_curve`` of the same faces over many weights: they are sorted once."""

    def __init__(self, truth: Ints, scores: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > 0)
        self._ones = (truth[self._order] == 1).astype(np.float32)

    def __call__(self, weights: Weights) -> Any:
        """The area; one for each row of weights."""
        drawn = np.ones((1, len(self._order)), dtype=np.float32) if weights is None else weights
        weighted = drawn[:, self._order]
        starts = self._starts
        total = np.add.reduceat(weighted, starts, axis=1, dtype=np.float64)
        weighted *= self._ones
        positive = np.add.reduceat(weighted, starts, axis=1, dtype=np.float64)
        negative = total - positive
        below = np.cumsum(negative, axis=1) - negative / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            area = (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))
        return as_statistic(area, weights)
