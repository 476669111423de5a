"""How the splits divide the faces of each age range and gender."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from utkage.data.labels import GENDERS, RANGE_NAMES, FaceLabel, range_index
from utkage.data.split import SPLITS, SplitConfig

# Label and split of each face.
Kept = Sequence[tuple[FaceLabel, str]]


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """The kept faces of one age range and gender.

    Attributes:
        age_range: Name of the range.
        gender: 0 male, 1 female.
        faces: Number of faces.
        splits: Number of faces in each of ``SPLITS``.
        deviations: For each split, the difference from the expected count in standard deviations
            of a binomial count; None where the fraction is 0 or 1 or there are no faces.
    """

    age_range: str
    gender: int
    faces: int
    splits: tuple[int, ...]
    deviations: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class PartialLabels:
    """The kept faces whose label has no single age, or no gender.

    Attributes:
        age_ranges: Number of faces whose age is a range.
        unknown_ages: Number of faces without an age.
        unknown_genders: Number of faces without a gender.
        splits: Number of faces in each of ``SPLITS`` that belong to no stratum.
        genders: Number of those faces of each gender.
    """

    age_ranges: int = 0
    unknown_ages: int = 0
    unknown_genders: int = 0
    splits: tuple[int, ...] = (0,) * len(SPLITS)
    genders: tuple[int, ...] = (0,) * len(GENDERS)


def build_strata(kept: Kept, split: SplitConfig) -> tuple[Stratum, ...]:
    """The strata in the order of ``RANGE_NAMES`` and ``GENDERS``."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * len(SPLITS))
    for label, name in kept:
        place = _stratum_of(label)
        if place is not None:
            cells[place][SPLITS.index(name)] += 1
    return tuple(
        _stratum(name, gender, cells[position, gender], split)
        for position, name in enumerate(RANGE_NAMES)
        for gender in range(len(GENDERS))
    )


def count_partial_labels(kept: Kept) -> PartialLabels:
    """Count the faces without a single age or without gender."""
    labels = [label for label, _ in kept]
    unplaced = [(label, split) for label, split in kept if _stratum_of(label) is None]
    return PartialLabels(
        age_ranges=sum(label.age_range is not None for label in labels),
        unknown_ages=sum(label.years is None for label in labels),
        unknown_genders=sum(label.gender is None for label in labels),
        splits=tuple(sum(split == name for _, split in unplaced) for name in SPLITS),
        genders=tuple(
            sum(label.gender == gender for label, _ in unplaced) for gender in range(len(GENDERS))
        ),
    )


def stratum_dict(stratum: Stratum) -> dict[str, Any]:
    """A stratum as JSON values."""
    return {
        "age_range": stratum.age_range,
        "gender": GENDERS[stratum.gender],
        "faces": stratum.faces,
        "splits": dict(zip(SPLITS, stratum.splits, strict=True)),
        "deviations": {
            split: None if deviation is None else round(deviation, 2)
            for split, deviation in zip(SPLITS, stratum.deviations, strict=True)
        },
    }


def _stratum_of(label: FaceLabel) -> tuple[int, int] | None:
    """Indices of age range and gender; None if one is unknown or the age spans several ranges."""
    years = label.years
    if years is None or label.gender is None:
        return None
    first, last = range_index(years.first), range_index(years.last)
    return (first, label.gender) if first == last else None


def _stratum(name: str, gender: int, counts: Sequence[int], split: SplitConfig) -> Stratum:
    fractions = (1 - split.val - split.test, split.val, split.test)
    faces = sum(counts)
    deviations = [
        _deviation(count, faces, fraction)
        for count, fraction in zip(counts, fractions, strict=True)
    ]
    return Stratum(
        age_range=name,
        gender=gender,
        faces=faces,
        splits=tuple(counts),
        deviations=tuple(deviations),
    )


def _deviation(count: int, faces: int, fraction: float) -> float | None:
    variance = faces * fraction * (1 - fraction)
    return (count - faces * fraction) / math.sqrt(variance) if variance > 0 else None
