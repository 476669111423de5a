"""For whom: the figures by age range, decade, gender, race label, source and their crossings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import GENDERS, RACES, RANGE_NAMES
from utkage.evaluation.bootstrap import Bootstrap, Estimate, estimate
from utkage.evaluation.labelled_predictions import LabelledPredictions
from utkage.evaluation.populations import LEVELS

Floats = NDArray[np.float64]

# Cells below this many faces are marked: their figures are mostly chance.
SMALL = 30
# Faces that a group needs to be named among the worst, or to enter a gap.
COMPARABLE = 50
# Figures of a group that a gap is taken over: words, and whether more is better.
GAPS = {
    "mae": ("MAE, years", False),
    "excess_error": ("error beyond what its ages explain, years", False),
    "gender_accuracy": ("gender right", True),
}
# Axes over which gaps between people are taken; ages differ in error for good reasons.
GAP_AXES = ("gender", "race")
BAND_AXIS = "predicted age"
CAVEAT = (
    "Race labels of UTKFace are coarse, were assigned by an algorithm and checked by eye, and say "
    "nothing of how people would describe themselves. Groups differ in age and in pictures as "
    "well, so a gap is a fact about these pictures, not an effect of the label. A gap between the "
    "best and the worst of several groups is above zero by chance alone."
)


@dataclass(frozen=True)
class Group:
    """The figures over the faces of one cell.

    Attributes:
        axis: What divides the faces, such as ``"race"`` or ``"gender x race"``.
        name: Of the cell, such as ``"female, Asian"``.
        n: Number of faces.
        figures: ``mae``, ``bias``, ``cs5``, ``excess_error`` (mean of a face's error less the mean
            error of its true age range, years), ``gender_accuracy``, and, where there are
            intervals, ``coverage_80`` and ``coverage_90``.
    """

    axis: str
    name: str
    n: int
    figures: dict[str, Estimate]

    @property
    def small(self) -> bool:
        """Whether there are too few faces to say much."""
        return self.n < SMALL

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "axis": self.axis,
            "name": self.name,
            "n": self.n,
            "small": self.small,
            "figures": {name: found.to_dict() for name, found in self.figures.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Group:
        """What ``to_dict`` gave."""
        figures = {name: Estimate.from_dict(found) for name, found in stored["figures"].items()}
        return cls(stored["axis"], stored["name"], stored["n"], figures)


@dataclass(frozen=True)
class Gap:
    """How far the best and the worst group of an axis are apart.

    Attributes:
        axis: Such as ``"race"``.
        figure: A key of ``GAPS``.
        best: Name of the best group.
        worst: Name of the worst group.
        difference: Worst less best, with the interval for these two groups.
    """

    axis: str
    figure: str
    best: str
    worst: str
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "difference": self.difference.to_dict()}


@dataclass(frozen=True)
class GroupReport:
    """All groups, and the gaps between them.

    Attributes:
        groups: By axis, in the order of the axis.
        gaps: Over gender and race.
    """

    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]

    def of_axis(self, axis: str) -> tuple[Group, ...]:
        """The groups of one axis."""
        return tuple(group for group in self.groups if group.axis == axis)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes there are, in their order."""
        return tuple(dict.fromkeys(group.axis for group in self.groups))

    def worst(self, figure: str, count: int = 5) -> tuple[Group, ...]:
        """The groups with the worst ``figure``, of those with enough faces, worst first."""
        _, more_is_better = GAPS[figure]
        known = [
            (found, group)
            for group in self.groups
            if group.n >= COMPARABLE and (found := group.figures[figure].value) is not None
        ]
        known.sort(key=lambda item: item[0], reverse=not more_is_better)
        return tuple(group for _, group in known[:count])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "groups": [group.to_dict() for group in self.groups],
            "gaps": [gap.to_dict() for gap in self.gaps],
            "caveat": CAVEAT,
        }


def group_report(faces: LabelledPredictions, bootstrap: Bootstrap) -> GroupReport:
    """Measure every cell that has a face, all resamples at once."""
    cells = _cells(faces)
    columns = _columns(faces)
    groups: list[Group] = []
    drawn: dict[tuple[str, str], dict[str, Floats]] = {}
    found = bootstrap.cell_means(
        np.stack(list(columns.values()), axis=1), np.stack([mask for _, _, mask in cells], axis=1)
    )
    for index, (axis, name, mask) in enumerate(cells):
        n = int(mask.sum())
        draws = {figure: found[:, number, index] for number, figure in enumerate(columns)}
        figures = {
            figure: estimate(float(columns[figure][mask].mean()), draws[figure], n)
            for figure in columns
        }
        groups.append(Group(axis, name, n, figures))
        drawn[axis, name] = draws
    return GroupReport(tuple(groups), _gaps(groups, drawn))


def _columns(faces: LabelledPredictions) -> dict[str, Floats]:
    """What is averaged over a group, one value a face."""
    errors = np.abs(faces.age - faces.ages)
    ranges = faces.ranges
    expected = np.zeros(len(faces))
    for index in np.unique(ranges):
        expected[ranges == index] = errors[ranges == index].mean()
    columns = {
        "mae": errors,
        "bias": faces.age - faces.ages,
        "cs5": (errors <= 5).astype(np.float64),
        "excess_error": errors - expected,
        "gender_accuracy": (faces.gender == faces.genders).astype(np.float64),
    }
    if faces.predictions is not None:
        for level in LEVELS:
            low, high = faces.predictions.age_interval(level)
            inside = (low <= faces.ages) & (faces.ages <= high)
            columns[f"coverage_{level * 100:.0f}"] = inside.astype(np.float64)
    return columns


def _cells(faces: LabelledPredictions) -> list[tuple[str, str, NDArray[np.bool_]]]:
    decades = [f"{first}-{first + 9}" for first in range(0, 120, 10)]
    sources = sorted(set(faces.sources))
    axes: dict[str, tuple[Sequence[str], NDArray[np.int64]]] = {
        "range": (RANGE_NAMES, faces.ranges),
        "decade": (decades, faces.ages // 10),
        "gender": (GENDERS, faces.genders),
    }
    if (faces.races >= 0).any():
        axes["race"] = (RACES, faces.races)
    calibration = None if faces.predictions is None else faces.predictions.calibration
    if calibration is not None:
        # Intervals keep their promise by band of predicted age, so that is where to look.
        axes[BAND_AXIS] = (calibration.band_names, calibration.band_of(faces.age))
    if len(sources) > 1:
        axes["source"] = (sources, np.array([sources.index(name) for name in faces.sources]))
    crossings = [("gender", "range"), ("race", "range"), ("gender", "race")]
    cells = [
        (axis, name, index == number)
        for axis, (names, index) in axes.items()
        for number, name in enumerate(names)
    ]
    for first, second in crossings:
        if first in axes and second in axes:
            cells += [
                (f"{first} x {second}", f"{one}, {other}", a & b)
                for one, a in _members(axes[first])
                for other, b in _members(axes[second])
            ]
    return [cell for cell in cells if cell[2].any()]


def _members(
    axis: tuple[Sequence[str], NDArray[np.int64]],
) -> list[tuple[str, NDArray[np.bool_]]]:
    names, index = axis
    return [(name, index == number) for number, name in enumerate(names)]


def _gaps(groups: list[Group], drawn: dict[tuple[str, str], dict[str, Floats]]) -> tuple[Gap, ...]:
    gaps = []
    for axis in GAP_AXES:
        own = [group for group in groups if group.axis == axis and group.n >= COMPARABLE]
        if len(own) < 2:
            continue
        for figure, (_, more_is_better) in GAPS.items():
            ordered = sorted(own, key=_value_of(figure), reverse=more_is_better)
            best, worst = ordered[0], ordered[-1]
            draws = drawn[axis, worst.name][figure] - drawn[axis, best.name][figure]
            value = _value_of(figure)(worst) - _value_of(figure)(best)
            found = estimate(value, draws, best.n + worst.n)
            gaps.append(Gap(axis, figure, best.name, worst.name, found))
    return tuple(gaps)


def _value_of(figure: str) -> Callable[[Group], float]:
    # Groups have faces, so that their means are numbers.
    return lambda group: group.figures[figure].value or 0.0
