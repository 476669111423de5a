"""``LabelledPredictions``: labels and predictions of the same faces, from any predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_RANGES, GENDERS, MAX_AGE, AgeRange
from utkage.prediction.predictions import Predictions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# What metrics need: an age in whole years, a gender, a gender whose prediction is a probability, an
# age that is a range.
AGE = "age"
GENDER = "gender"
GENDER_PROBABILITY = "gender probability"
AGE_RANGE = "age range"

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
        ages: True whole years, or -1 if unknown or known only as a range, (n,).
        genders: True gender, 0 male, 1 female, or -1 if unknown, (n,).
        races: Index into ``labels.RACES``, or -1 where unknown, (n,).
        age: Point estimates, years, (n,); NaN where a table has none.
        p_female: Probability of female, (n,); NaN where a table has none.
        range_index: Index of the predicted age range, (n,); -1 where there is no age.
        predictions: Distributions and intervals; None where only numbers are known.
        age_ranges: First and last year that each label allows, both -1 if unknown, (n, 2); None if
            every face has an age in whole years.
        gender_is_hard: Whether a table gave genders as words, so that ``p_female`` is 0 or 1.
        attributes: Values of further columns of the label file, (n,) each, by name; empty where
            unknown.
        at_least: P(age >= T), (n,), of a table without distributions, by T in years.
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
    age_ranges: Ints | None = None
    gender_is_hard: bool = False
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_least: Mapping[int, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ranges(self) -> Ints:
        """Index of each face's true age range, or -1 if its age is not known in years, (n,)."""
        return ranges_of(self.ages)

    @property
    def allowed_ages(self) -> Ints:
        """First and last year that each label allows, both -1 if unknown, (n, 2)."""
        if self.age_ranges is not None:
            return self.age_ranges
        return np.stack([self.ages, self.ages], axis=1)

    def has_label(self, label: str) -> NDArray[np.bool_]:
        """Mask of the faces that have a label of one of the kinds above, predicted or not."""
        if label in (GENDER, GENDER_PROBABILITY):
            return self.genders >= 0
        if label == AGE_RANGE:
            return np.asarray((self.ages < 0) & (self.allowed_ages[:, 0] >= 0))
        return self.ages >= 0

    def labelled(self, label: str) -> NDArray[np.bool_]:
        """Mask of the faces that have a label of one of the kinds above, and a prediction of it."""
        if label == GENDER_PROBABILITY and self.gender_is_hard:
            return np.zeros(len(self), dtype=np.bool_)
        of_gender = label in (GENDER, GENDER_PROBABILITY)
        predicted = ~np.isnan(self.p_female if of_gender else self.age)
        return np.asarray(self.has_label(label) & predicted)

    def with_label(self, label: str) -> LabelledPredictions:
        """The faces that have a label of this kind, and a prediction of it."""
        mask = self.labelled(label)
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def of_ages_mask(self, first: int, last: int) -> NDArray[np.bool_]:
        """Mask of the faces whose age is certainly ``first`` to ``last``, both included, (n,)."""
        low, high = self.allowed_ages.T
        return np.asarray((low >= first) & (high <= last))

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

    def probability_at_least(self, age: int) -> Floats | None:
        """P(age >= ``age`` years), (n,); NaN where there is no estimated age.

        None where only estimated ages are known.
        """
        if self.predictions is not None:
            return self.predictions.probability_at_least(age)
        return self.at_least.get(age)

    def age_text(self, row: int) -> str:
        """The true age of a face: years, a range such as ``20-29``, or empty."""
        first, last = (int(year) for year in self.allowed_ages[row])
        return AgeRange(first, last).name if first >= 0 else ""

    def gender_text(self, row: int) -> str:
        """The true gender of a face, or empty."""
        return GENDERS[self.genders[row]] if self.genders[row] >= 0 else ""

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
            age_ranges=None if self.age_ranges is None else self.age_ranges[rows],
            attributes={
                name: tuple(values[row] for row in rows) for name, values in self.attributes.items()
            },
            at_least={age: likely[rows] for age, likely in self.at_least.items()},
        )

    def of_ages(self, first: int, last: int = MAX_AGE) -> LabelledPredictions:
        """The faces whose true age is certainly ``first`` to ``last``, both included."""
        return self.take(np.flatnonzero(self.of_ages_mask(first, last)))


def with_labels(faces: LabelledChips, predictions: Predictions) -> LabelledPredictions:
    """Predictions beside the labels of ``faces``, in the same order."""
    numbers = labelled_numbers(faces, predictions.age, predictions.p_female)
    return replace(numbers, range_index=predictions.range_index, predictions=predictions)


def labelled_numbers(
    faces: LabelledChips, age: Floats, p_female: Floats, *, gender_is_hard: bool = False
) -> LabelledPredictions:
    """Another program's numbers beside the labels; the age range is that of the rounded age."""
    years = np.clip(np.rint(np.nan_to_num(age)), 0, MAX_AGE).astype(np.int64)
    return LabelledPredictions(
        sources=faces.sources,
        names=faces.names,
        groups=faces.group_numbers,
        ages=faces.ages,
        genders=faces.genders,
        races=faces.races,
        age=age,
        p_female=p_female,
        range_index=np.where(np.isnan(age), -1, ranges_of(years)),
        age_ranges=faces.age_ranges,
        gender_is_hard=gender_is_hard,
        attributes=faces.attributes,
    )


def ranges_of(ages: Ints) -> Ints:
    """Index of the age range of each whole age 0..116, (n,); -1 for -1."""
    return np.asarray(np.searchsorted(_RANGE_STARTS, ages, side="right") - 1, dtype=np.int64)
