"""``LabelledPredictions``: labels and answers side by side, whoever gave the answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.data.labels import MAX_AGE, range_index
from utkage.prediction.predictions import Predictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LabelledPredictions:
    """Labels and answers of n faces, as columns.

    Attributes:
        sources: Name of each face's source, (n,).
        names: File names, (n,).
        groups: Number of each face's group of copies, (n,), from 0 without gaps.
        ages: True whole years, (n,).
        genders: 0 male, 1 female, (n,).
        races: Index into ``labels.RACES``, or -1 where unknown, (n,).
        age: Point estimates, years, (n,).
        p_female: Probability of female, (n,).
        range_index: Index of the answered age range, (n,).
        predictions: Distributions and intervals; None where somebody else gave only numbers.
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

    @property
    def ranges(self) -> Ints:
        """Index of each face's true age range, (n,)."""
        return ranges_of(self.ages)

    @property
    def gender(self) -> Ints:
        """The answered gender, 0 male, 1 female, (n,)."""
        return (self.p_female >= 0.5).astype(np.int64)

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
            predictions=None if self.predictions is None else self.predictions.take(rows),
        )


def answered(faces: LabelledChips, predictions: Predictions) -> LabelledPredictions:
    """Put the answers of a predictor beside the labels, in the order of ``faces``."""
    numbers = labelled_numbers(faces, predictions.age, predictions.p_female)
    return replace(numbers, range_index=predictions.range_index, predictions=predictions)


def labelled_numbers(faces: LabelledChips, age: Floats, p_female: Floats) -> LabelledPredictions:
    """Put somebody else's numbers beside the labels; the age range is that of the rounded age."""
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
    """Index of the age range of each whole age, (n,)."""
    return np.array([range_index(int(age)) for age in ages], dtype=np.int64)
