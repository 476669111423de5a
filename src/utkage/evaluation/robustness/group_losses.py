"""Who loses most when pictures get worse: what each group loses under each corruption.

Each face is compared with itself without the corruption, so groups whose errors are large anyway do
not count as losing for that reason. The benchmark of Hendrycks and Dietterich (2019, "Benchmarking
neural network robustness to common corruptions and perturbations", ICLR) averages over strengths in
the same way; Dooley et al. (2021, "Robustness disparities in commercial face detection",
arXiv:2108.12508) compare groups under its corruptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.evaluation.groups.axes import Axis
from utkage.evaluation.groups.group_metrics import COMPARABLE, SMALL
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import (
    Bootstrap,
    Estimate,
    Floats,
    Ints,
    Part,
    Statistic,
    estimate,
    weighted_mean,
)

# Axes that are always measured, where the faces have them.
AXES = ("range", "gender", "race", "source")
CAVEAT = (
    "Each face is compared with itself without the corruption. Of many groups and corruptions, "
    "some differ from all faces by chance alone: with 95 % intervals, one in twenty does where "
    "there is no difference. Groups also differ in age and in their pictures, so a difference is "
    "not an effect of the label."
)


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What the faces of a group lose on average.

    Attributes:
        mae_rise: Rise of the MAE, years.
        excess_rise: That rise minus the rise of all faces, years; None for single strengths.
        gender_loss: Loss of gender accuracy, a share; negative if it rises.
    """

    mae_rise: Estimate
    excess_rise: Estimate | None = None
    gender_loss: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: found.to_dict() for name, found in vars(self).items() if found is not None}


@dataclass(frozen=True, kw_only=True)
class CorruptionLoss:
    """What a group loses under one corruption.

    Attributes:
        name: Name of the corruption, such as ``"blur"``.
        mean: Mean over the strengths.
        levels: Loss at each strength, in the order of the corruption's.
    """

    name: str
    mean: Loss
    levels: tuple[Loss, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "mean": self.mean.to_dict(),
            "levels": [level.to_dict() for level in self.levels],
        }


@dataclass(frozen=True, kw_only=True)
class GroupLoss:
    """What a group loses under all corruptions.

    Attributes:
        axis: Attribute that divides the faces, such as ``"race"``.
        name: Name of the group, such as ``"Asian"``.
        n: Number of faces.
        mean: Mean over the corruptions, each with the same weight.
        corruptions: Loss under each corruption.
    """

    axis: str
    name: str
    n: int
    mean: Loss
    corruptions: tuple[CorruptionLoss, ...]

    @property
    def small(self) -> bool:
        """Whether there are too few faces to rely on the losses."""
        return self.n < SMALL

    @property
    def label(self) -> str:
        """Axis and name, such as ``"race Asian"``."""
        return f"{self.axis} {self.name}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **{"axis": self.axis, "name": self.name, "n": self.n, "small": self.small},
            "mean": self.mean.to_dict(),
            "corruptions": [found.to_dict() for found in self.corruptions],
        }


@dataclass(frozen=True)
class Ranked:
    """One line of the ranking: a group, and its loss under a corruption, or under all (None)."""

    group: GroupLoss
    corruption: str | None
    loss: Loss


def worst_first(groups: Sequence[GroupLoss]) -> list[Ranked]:
    """Every group and corruption, the largest rise of the MAE beyond that of all faces first.

    Groups with too few faces to compare follow all others.
    """
    lines = [
        line
        for group in groups
        for line in (
            Ranked(group, None, group.mean),
            *(Ranked(group, found.name, found.mean) for found in group.corruptions),
        )
    ]
    return sorted(lines, key=lambda line: (line.group.n < COMPARABLE, -_excess(line.loss)))


def _excess(loss: Loss) -> float:
    found = loss.excess_rise
    return 0.0 if found is None or found.value is None else found.value


def losses_by_group(
    clean: LabelledPredictions,
    corrupted: Mapping[str, Sequence[LabelledPredictions]],
    axes: Sequence[Axis],
    bootstrap: Bootstrap,
) -> tuple[GroupLoss, ...]:
    """Measure what every group of the axes that has a face loses.

    Args:
        clean: Predictions without corruption, for n faces with ages in whole years and genders.
        corrupted: Predictions for the same faces, in the same order, at each strength of each
            corruption, by its name.
        axes: The axes of the groups.
        bootstrap: Resamples of the faces; the same for all, so that differences are paired.
    """
    columns = _columns(clean, corrupted)
    parts, members = [Part(_means(columns))], []
    for axis in axes:
        for name, mask in axis.members():
            rows = np.flatnonzero(mask)
            parts.append(Part(_means(columns, rows), rows))
            members.append((axis.name, name, len(rows)))
    everyone, *drawn = bootstrap.draws_of(parts)
    expected = _values(parts[0])
    groups = []
    for (axis_name, name, n), part, draws in zip(members, parts[1:], drawn, strict=True):
        own = _Drawn(values=_values(part), draws=draws, expected=expected, everyone=everyone, n=n)
        corruptions = tuple(
            CorruptionLoss(
                name=corruption,
                mean=own.loss(corruption),
                levels=tuple(own.loss(corruption, level) for level in range(len(levels))),
            )
            for corruption, levels in corrupted.items()
        )
        groups.append(
            GroupLoss(axis=axis_name, name=name, n=n, mean=own.loss(), corruptions=corruptions)
        )
    return tuple(groups)


def _columns(
    clean: LabelledPredictions, corrupted: Mapping[str, Sequence[LabelledPredictions]]
) -> dict[str, Floats]:
    """What each face loses, (n,) each, by ``_key``."""
    columns: dict[str, Floats] = {}
    for kind, faults in _FAULTS.items():
        before = faults(clean)
        means = []
        for name, levels in corrupted.items():
            own = [faults(level) - before for level in levels]
            columns |= {_key(kind, name, index): column for index, column in enumerate(own)}
            means.append(np.mean(own, axis=0))
            columns[_key(kind, name)] = means[-1]
        columns[_key(kind)] = np.mean(means, axis=0)
    return columns


def _age_errors(faces: LabelledPredictions) -> Floats:
    return np.asarray(np.abs(faces.age - faces.ages), dtype=np.float64)


def _wrong_genders(faces: LabelledPredictions) -> Floats:
    return np.asarray(faces.gender != faces.genders, dtype=np.float64)


_AGE, _GENDER = "age", "gender"
_FAULTS = {_AGE: _age_errors, _GENDER: _wrong_genders}


def _key(kind: str, corruption: str | None = None, level: int | None = None) -> str:
    """Name of a column: a corruption (None: the mean of all) at a strength (None: likewise)."""
    return f"{kind} {corruption} {level}"


def _means(columns: Mapping[str, Floats], rows: Ints | None = None) -> dict[str, Statistic]:
    return {
        key: partial(weighted_mean, column if rows is None else column[rows])
        for key, column in columns.items()
    }


def _values(part: Part) -> dict[str, float]:
    return {name: float(statistic(None)) for name, statistic in part.statistics.items()}


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """Means of a group of n faces and of all faces, as values and over the resamples."""

    values: Mapping[str, float]
    draws: Mapping[str, Floats]
    expected: Mapping[str, float]
    everyone: Mapping[str, Floats]
    n: int

    def loss(self, corruption: str | None = None, level: int | None = None) -> Loss:
        """The loss under a corruption at a strength, as for ``_key``."""
        age, gender = (_key(kind, corruption, level) for kind in (_AGE, _GENDER))
        excess = None
        if level is None:
            draws = self.draws[age] - self.everyone[age]
            excess = estimate(self.values[age] - self.expected[age], draws, self.n)
        return Loss(
            mae_rise=estimate(self.values[age], self.draws[age], self.n),
            excess_rise=excess,
            gender_loss=estimate(self.values[gender], self.draws[gender], self.n),
        )
