"""The axes that divide faces into groups: age range, gender, race, source, and crossings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.core.text import printable
from utkage.data.chips import LabelledChips
from utkage.data.labels import GENDERS, RACES, RANGE_NAMES
from utkage.evaluation.inputs.labelled_predictions import (
    Ints,
    LabelledPredictions,
    labelled_numbers,
)
from utkage.images.containers.path_titles import simple_title

CROSSING = "*"
"""Between the names of axes that are crossed, as in ``gender*race``."""
# Pairs of axes that are crossed in every evaluation.
_CROSSED = (("gender", "range"), ("race", "range"), ("gender", "race"))


@dataclass(frozen=True)
class Axis:
    """An attribute that divides n faces into groups.

    Attributes:
        name: Such as ``"race"`` or ``"gender x race"``.
        groups: Names of the groups, in the order of tables.
        index: Index into ``groups`` of each face, (n,); -1 where unknown.
    """

    name: str
    groups: Sequence[str]
    index: Ints

    def members(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield the name and the mask, (n,), of every group that has a face."""
        present = np.bincount(self.index[self.index >= 0], minlength=len(self.groups))
        for number, name in enumerate(self.groups):
            if present[number]:
                yield name, self.index == number

    def crossed(self, other: Axis) -> Axis:
        """The pairs of groups of two axes."""
        both = (self.index >= 0) & (other.index >= 0)
        # Only pairs that occur: the number of possible ones grows with every crossing.
        pairs = np.where(both, self.index * len(other.groups) + other.index, -1)
        present = np.unique(pairs[both])
        ends = (divmod(int(pair), len(other.groups)) for pair in present)
        names = [f"{self.groups[first]}, {other.groups[second]}" for first, second in ends]
        index = np.where(both, np.searchsorted(present, pairs), -1).astype(np.int64)
        return Axis(f"{self.name} x {other.name}", names, index)


def single_axes(faces: LabelledPredictions) -> dict[str, Axis]:
    """The axes of ``faces`` that are no crossings, by name; those without any label are missing."""
    decades = [f"{first}-{first + 9}" for first in range(0, 120, 10)]
    axes = [
        Axis("range", RANGE_NAMES, faces.ranges),
        Axis("decade", decades, faces.ages // 10),
        Axis("gender", GENDERS, faces.genders),
    ]
    if (faces.races >= 0).any():
        axes.append(Axis("race", RACES, faces.races))
    calibration = None if faces.predictions is None else faces.predictions.calibration
    if calibration is not None:
        # Intervals are calibrated by band of predicted age, so their coverage is checked by band.
        bands = calibration.band_of(faces.age)
        axes.append(Axis("predicted age", calibration.band_names, bands))
    if len(set(faces.sources)) > 1:
        axes.append(axis_of_texts("source", faces.sources))
    found = {axis.name: axis for axis in axes}
    for name, texts in faces.attributes.items():
        # A further column may be called as one of the axes above, such as "source".
        axis = axis_of_texts(f"label {name}" if name in found else name, texts)
        if axis.groups:
            found[axis.name] = axis
    return found


def standard_axes(faces: LabelledPredictions) -> list[Axis]:
    """The axes of every evaluation: no further columns of the label file, but some crossings."""
    single = single_axes(replace(faces, attributes={}))
    pairs = [pair for pair in _CROSSED if set(pair) <= set(single)]
    return [*single.values(), *(single[one].crossed(other=single[two]) for one, two in pairs)]


def chosen_axes(faces: LabelledPredictions, choices: Sequence[str], field: str) -> list[Axis]:
    """The axes that a user named, in that order and each once.

    Args:
        faces: The faces.
        choices: Names of axes, or several joined by ``*`` for their crossing.
        field: Name of the setting, for messages.

    Raises:
        UsageError: there is no such axis, or a crossing names one twice.
    """
    known = single_axes(faces)
    found: dict[str, Axis] = {}
    for choice in choices:
        parts = [_named(part, known, choice, field) for part in choice.split(CROSSING)]
        if len({part.name for part in parts}) < len(parts):
            raise UsageError(f"`{field}` {printable(choice)}: names the same column twice")
        axis = parts[0]
        for part in parts[1:]:
            axis = axis.crossed(part)
        found[axis.name] = axis
    return list(found.values())


def require_axes(faces: LabelledChips, choices: Sequence[str], field: str) -> None:
    """Refuse axes that ``faces`` do not have, before anything is predicted for them.

    Arguments and errors as for ``chosen_axes``.
    """
    nothing = np.full(len(faces), np.nan)
    # Axes of predictions are checked when there are predictions.
    known = [choice for choice in choices if "predicted" not in choice.lower()]
    chosen_axes(labelled_numbers(faces, nothing, nothing), known, field)


def _named(part: str, known: Mapping[str, Axis], choice: str, field: str) -> Axis:
    # A column may be written as in the label file, such as "Skin tone" for skin_tone.
    wanted = simple_title(part)
    for name, axis in known.items():
        if simple_title(name) == wanted:
            return axis
    raise UsageError(
        f"`{field}` {printable(choice)}: these faces have no {printable(part.strip()) or 'such'} "
        f"column; choose from {', '.join(map(printable, known))}; another column of a label file "
        "must be kept (`keep_columns`), for a prepared set when it is prepared"
    )


def axis_of_texts(name: str, texts: Sequence[str]) -> Axis:
    """The axis of a column of texts, (n,); empty texts are unknown. Groups are sorted.

    Numbers in them are sorted by value, so that 9 comes before 10.
    """
    groups = sorted({text for text in texts if text}, key=_natural_order)
    numbers = {text: number for number, text in enumerate(groups)}
    return Axis(name, groups, np.array([numbers.get(text, -1) for text in texts], dtype=np.int64))


def _natural_order(text: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
