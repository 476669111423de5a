"""``LabelledPredictions``: labels and predictions of the same faces, from any predictor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_RANGES, MAX_AGE
from utkage.prediction.predictions import Predictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ADULT_AGE = 16
PROTOCOL_21_60 = (21, 60)
# Nominal coverage of the age intervals that are measured.
LEVELS = (0.8, 0.9)
_RANGE_STARTS = [age_range.first for age_range in AGE_RANGES]


@dataclass(frozen=True, kw_only=True)
class LabelledPredictions:
    """Labels and predictions of n faces, as columns.

    Attributes:
        sources: Name of each face's source, (n,).
        names: File names, (n,).
        groups: Number of each face's duplicate group, (n,), from 0 without gaps.
        ages: True whole years, (n,).
        genders: True gender, 0 male, 1 female, (n,).
        races: Index into ``labels.RACES``, or -1 where unknown, (n,).
        age: Point estimates, years, (n,).
        p_female: Probability of female, (n,).
        range_index: Index of the predicted age range, (n,).
        predictions: Distributions and intervals; None where only numbers are known.
    """

    sources: tuple[str, ...]
    names: tuple[str, ...]
    groups: Ints
    ages: Ints
    genders: Ints
    races: Ints
    age: Floats
    p_female: Floats
    range_index: Ints
    predictions: Predictions | None = None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ranges(self) -> Ints:
        """Index of each face's true age range, (n,)."""
        return ranges_of(self.ages)

    @property
    def gender(self) -> Ints:
        """The predicted gender, 0 male, 1 female, (n,)."""
        return (self.p_female >= 0.5).astype(np.int64)

    @cached_property
    def intervals(self) -> dict[float, tuple[Floats, Floats]]:
        """Lower and upper ends, years, each (n,), of each of ``LEVELS``; empty without any."""
        if self.predictions is None:
            return {}
        return {level: self.predictions.age_interval(level) for level in LEVELS}

    def take(self, rows: Ints) -> LabelledPredictions:
        """The faces with these indices, in this order."""
        return replace(
            self,
            sources=tuple(self.sources[row] for row in rows),
            names=tuple(self.names[row] for row in rows),
            groups=np.unique(self.groups[rows], return_inverse=True)[1].astype(np.int64),
            ages=self.ages[rows],
            genders=self.genders[rows],
            races=self.races[rows],
            age=self.age[rows],
            p_female=self.p_female[rows],
            range_index=self.range_index[rows],
            predictions=None if self.predictions is None else self.predictions[rows],
        )

    def of_ages(self, first: int, last: int = MAX_AGE) -> LabelledPredictions:
        """The faces whose true age is ``first`` to ``last``, both included."""
        return self.take(np.flatnonzero((self.ages >= first) & (self.ages <= last)))


def with_labels(faces: LabelledChips, predictions: Predictions) -> LabelledPredictions:
    """Predictions beside the labels of ``faces``, in the same order."""
    numbers = labelled_numbers(faces, predictions.age, predictions.p_female)
    return replace(numbers, range_index=predictions.range_index, predictions=predictions)


def labelled_numbers(faces: LabelledChips, age: Floats, p_female: Floats) -> LabelledPredictions:
    """Another program's numbers beside the labels; the age range is that of the rounded age."""
    years = np.clip(np.rint(age), 0, MAX_AGE).astype(np.int64)
    return LabelledPredictions(
        sources=faces.sources,
        names=faces.names,
        groups=faces.group_numbers,
        ages=faces.ages,
        genders=faces.genders,
        races=faces.races,
        age=age,
        p_female=p_female,
        range_index=ranges_of(years),
    )


def ranges_of(ages: Ints) -> Ints:
    """Index of the age range of each whole age 0..116, (n,)."""
    return np.asarray(np.searchsorted(_RANGE_STARTS, ages, side="right") - 1, dtype=np.int64)
