"""Metrics by group: age range, gender, race label, source, further columns, and crossings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.core.fields import Fields
from utkage.evaluation.groups.axes import Axis, standard_axes
from utkage.evaluation.inputs.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    Floats,
    OnSomeFaces,
    Part,
    Statistic,
    estimate,
    estimates_from,
    weighted_mean,
)
from utkage.evaluation.metrics.registry import METRICS, YEARS, Metric, statistics

# Groups of fewer faces are marked: their metrics are mostly chance.
SMALL = 30
# Faces that a group needs to be named among the worst, or to enter a gap.
COMPARABLE = 50
# Axes over which gaps are taken. Errors of age groups differ for good reasons.
GAP_AXES = ("gender", "race")
CAVEAT = (
    "The race labels of UTKFace are coarse. An algorithm assigned them and people checked them by "
    "eye; they are not how the people in the pictures would describe themselves. Groups also "
    "differ in age and in their pictures, so a gap describes these pictures and is not an effect "
    "of the label. The gap between the best and the worst of several groups is above zero by "
    "chance alone."
)


def excess_errors(faces: LabelledPredictions) -> Floats:
    """How much larger each error is than the MAE of all ``faces`` of its true age range, (n,).

    NaN for faces without an age in whole years.
    """
    excess = np.full(len(faces), np.nan)
    known = faces.with_label(AGE)
    errors = np.abs(known.age - known.ages)
    counts = np.maximum(np.bincount(known.ranges), 1)
    expected = np.bincount(known.ranges, errors) / counts
    excess[faces.labelled(AGE)] = errors - expected[known.ranges]
    return excess


# By their keys in JSON, in the order of tables.
GROUP_METRICS: dict[str, Metric] = {
    "mae": METRICS["mae"],
    "bias": METRICS["bias"],
    "cs5": METRICS["cs5"],
    # ``group_report`` measures it against the errors of all faces, not only those of the group.
    "excess_error": Metric(
        "MAE minus the MAE expected at its ages",
        YEARS,
        lambda f: partial(weighted_mean, excess_errors(f)),
    ),
    "label_range_accuracy": METRICS["label_range_accuracy"],
    "label_range_distance": METRICS["label_range_distance"],
    "gender_accuracy": METRICS["gender_accuracy"],
    "coverage_80": METRICS["coverage_80"],
    "coverage_90": METRICS["coverage_90"],
}
GAP_METRICS = ("mae", "excess_error", "gender_accuracy")
_HIGHER_IS_BETTER = frozenset(
    {"cs5", "label_range_accuracy", "gender_accuracy", "coverage_80", "coverage_90"}
)
_ZERO_IS_BEST = frozenset({"bias"})


@dataclass(frozen=True)
class Group:
    """The metrics over the faces of one group.

    Attributes:
        axis: Attribute that divides the faces, such as ``"race"`` or ``"gender x race"``.
        name: Name of the group, such as ``"female, Asian"``.
        n: Number of faces.
        metrics: Estimates by the keys of ``GROUP_METRICS``; those that need intervals or labels
            are missing where there are none.
    """

    axis: str
    name: str
    n: int
    metrics: dict[str, Estimate]

    @property
    def small(self) -> bool:
        """Whether there are too few faces to rely on the metrics."""
        return self.n < SMALL

    @property
    def label(self) -> str:
        """Axis and name, such as ``"race Asian"``."""
        return f"{self.axis} {self.name}"

    def value(self, metric: str) -> float:
        """The value of a metric that the group has."""
        return self.metrics[metric].value or 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "axis": self.axis,
            "name": self.name,
            "n": self.n,
            "small": self.small,
            "figures": {name: found.to_dict() for name, found in self.metrics.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Group:
        """The group that ``to_dict`` described; ``ValueError`` if a value has another type."""
        fields = Fields(stored, "group")
        figures = fields.fields("figures")
        metrics = {}
        for name in figures.values:
            found = figures.fields(name)
            value, low, high = (
                None if found.values.get(end) is None else found.number(end)
                for end in ("value", "low", "high")
            )
            metrics[name] = Estimate(value, low, high, found.whole("n"))
        return cls(fields.text("axis"), fields.text("name"), fields.whole("n"), metrics)


@dataclass(frozen=True)
class Gap:
    """The difference between the best and the worst group of an axis.

    Attributes:
        axis: Attribute that divides the faces, such as ``"race"``.
        metric: One of ``GAP_METRICS``.
        best: Name of the best group.
        worst: Name of the worst group.
        difference: Worst minus best, with the interval for these two groups.
    """

    axis: str
    metric: str
    best: str
    worst: str
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "axis": self.axis,
            "figure": self.metric,
            "best": self.best,
            "worst": self.worst,
            "difference": self.difference.to_dict(),
        }


@dataclass(frozen=True)
class GroupReport:
    """All groups by axis, and gaps between groups.

    Attributes:
        groups: The groups of every axis.
        gaps: The gaps of gender, of race and of the chosen axes.
        chosen: Names of the axes that the user added.
    """

    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    chosen: tuple[str, ...] = ()

    def of_axis(self, axis: str) -> tuple[Group, ...]:
        """The groups of one axis."""
        return tuple(group for group in self.groups if group.axis == axis)

    def worst(self, metric: str, count: int = 5) -> tuple[Group, ...]:
        """The groups with the worst ``metric``, of those with enough faces, worst first."""
        known = [
            group for group in self.groups if group.n >= COMPARABLE and metric in group.metrics
        ]
        return tuple(_worst_first(known, metric)[:count])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "groups": [group.to_dict() for group in self.groups],
            "gaps": [gap.to_dict() for gap in self.gaps],
            "caveat": CAVEAT,
        }


def group_report(
    faces: LabelledPredictions, bootstrap: Bootstrap, chosen: Sequence[Axis] = ()
) -> GroupReport:
    """Measure every group that has a face, of the standard axes and of the ``chosen`` ones."""
    standard = standard_axes(faces)
    known = {axis.name for axis in standard}
    added = [axis for axis in chosen if axis.name not in known]
    names = tuple(axis.name for axis in chosen)
    excess = excess_errors(faces)
    groups: list[Group] = []
    drawn: dict[tuple[str, str], dict[str, Floats]] = {}
    # One axis at a time, whose groups are together no larger than all faces.
    for axis in (*standard, *added):
        members, parts = [], []
        for name, mask in axis.members():
            rows = np.flatnonzero(mask)
            members.append(name)
            parts.append(Part(_statistics(faces.take(rows), excess[rows]), rows))
        for name, part, own in zip(members, parts, bootstrap.draws_of(parts), strict=True):
            n = bootstrap.size(part)
            groups.append(Group(axis.name, name, n, estimates_from(part.statistics, own, n)))
            drawn[axis.name, name] = own
    gap_axes = dict.fromkeys((*GAP_AXES, *names))
    return GroupReport(tuple(groups), _gaps(groups, drawn, tuple(gap_axes)), names)


def _statistics(faces: LabelledPredictions, excess: Floats) -> dict[str, Statistic]:
    shared = statistics(faces, [name for name in GROUP_METRICS if name in METRICS])
    own: dict[str, Statistic] = dict(shared)
    rows = np.flatnonzero(faces.labelled(AGE))
    if len(rows) == len(faces):
        own["excess_error"] = partial(weighted_mean, excess)
    elif len(rows):
        own["excess_error"] = OnSomeFaces(partial(weighted_mean, excess[rows]), rows)
    return {name: own[name] for name in GROUP_METRICS if name in own}


def badness(metric: str, value: float) -> float:
    """A number that is larger for worse values of a metric in ``GROUP_METRICS``."""
    if metric in _HIGHER_IS_BETTER:
        return -value
    return abs(value) if metric in _ZERO_IS_BEST else value


def _worst_first(groups: Sequence[Group], metric: str) -> list[Group]:
    return sorted(groups, key=lambda group: badness(metric, group.value(metric)), reverse=True)


def _gaps(
    groups: list[Group], drawn: dict[tuple[str, str], dict[str, Floats]], axes: Sequence[str]
) -> tuple[Gap, ...]:
    gaps = []
    for axis in axes:
        own = [group for group in groups if group.axis == axis and group.n >= COMPARABLE]
        for metric in GAP_METRICS:
            known = [group for group in own if metric in group.metrics]
            if len(known) < 2:
                continue
            worst, *_, best = _worst_first(known, metric)
            draws = drawn[axis, worst.name][metric] - drawn[axis, best.name][metric]
            value = worst.value(metric) - best.value(metric)
            found = estimate(value, draws, best.n + worst.n)
            gaps.append(Gap(axis, metric, best.name, worst.name, found))
    return tuple(gaps)
