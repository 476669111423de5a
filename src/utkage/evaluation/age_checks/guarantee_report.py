"""The demand with a guarantee, for all faces of an evaluation and for the groups of some axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError
from utkage.evaluation.age_checks.guaranteed_demand import (
    ESTIMATED_AGE,
    PROBABILITY,
    Guarantee,
    GuaranteeCheck,
    GuaranteedDemand,
    ScoreKind,
    check_guarantee,
    guaranteed_demand,
)
from utkage.evaluation.age_checks.thresholds import NEAR_YEARS
from utkage.evaluation.groups.axes import Axis
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import (
    Estimate,
    Floats,
    Ints,
    rounded,
)
from utkage.evaluation.metrics.proportions import proportion

# Years below the threshold at which the minors of a guarantee begin, unless it is said.
YOUNGEST_YEARS = 5


@dataclass(frozen=True, kw_only=True)
class DemandOfGroup:
    """The demand of a group of faces, or why there is none.

    Attributes:
        axis: Attribute that divides the faces; empty for all faces.
        name: Name of the group.
        n: Number of different minors in it.
        demand: The demand; None if there is none.
        reason: Why there is none, or empty.
        false_fail: Share of the faces from T to T + 6 years that fail at the demand; None without
            a demand.
    """

    axis: str
    name: str
    n: int
    demand: GuaranteedDemand | None
    reason: str
    false_fail: Estimate | None

    @property
    def label(self) -> str:
        """Axis and name, such as ``"race Asian"``."""
        return f"{self.axis} {self.name}".lstrip()


@dataclass(frozen=True, kw_only=True)
class GuaranteeReport:
    """Demands that keep one promise.

    Attributes:
        guarantee: The promise.
        kind: What the demands are compared with.
        everyone: The demand of all faces.
        groups: The demands of groups.
        simulation: How often the promise held in simulated calibrations; None if not requested.
    """

    guarantee: Guarantee
    kind: ScoreKind
    everyone: DemandOfGroup
    groups: tuple[DemandOfGroup, ...]
    simulation: GuaranteeCheck | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the promise itself and the demands are not rounded."""
        return {
            **asdict(self.guarantee),
            "score": self.kind.name,
            "faces_needed": self.guarantee.faces_needed,
            **_to_dict(self.everyone),
            "groups": [
                {"axis": group.axis, "name": group.name, **_to_dict(group)} for group in self.groups
            ],
            "simulation": None if self.simulation is None else rounded(asdict(self.simulation)),
        }


def _to_dict(found: DemandOfGroup) -> dict[str, Any]:
    demand = found.demand
    return {
        "n": found.n,
        "demand": None if demand is None else demand.demand,
        "passing": None if demand is None else demand.passing,
        "upper": None if demand is None else rounded(demand.upper),
        "false_fail": None if found.false_fail is None else found.false_fail.to_dict(),
        "reason": found.reason or None,
    }


def guarantee_report(
    faces: LabelledPredictions,
    guarantee: Guarantee,
    *,
    axes: Sequence[Axis] = (),
    simulate: bool = False,
) -> GuaranteeReport:
    """Choose demands on ``faces``, whose ages are known in whole years.

    A duplicate group counts once, by its highest score, because its pictures show one person.

    Args:
        faces: Labels and predictions.
        guarantee: What each demand promises in its own group.
        axes: Axes whose groups each have a demand of their own.
        simulate: Whether to check the promise by simulation.

    Raises:
        DataError: the faces have no demand; groups without one have the reason in the report.
    """
    kind, scores = age_scores(faces, guarantee.age)
    find = partial(_demand, faces, scores, kind, guarantee)
    everyone = find("", "all faces", np.full(len(faces), True))
    if everyone.demand is None:
        raise DataError(everyone.reason)
    groups = [find(axis.name, name, mask) for axis in axes for name, mask in axis.members()]
    minors = _minors_once(faces, scores, guarantee, np.full(len(faces), True))
    return GuaranteeReport(
        guarantee=guarantee,
        kind=kind,
        everyone=everyone,
        groups=tuple(groups),
        simulation=check_guarantee(minors, guarantee, kind) if simulate else None,
    )


def age_scores(faces: LabelledPredictions, age: int) -> tuple[ScoreKind, Floats]:
    """What an age check compares with its demand, (n,): P(age >= ``age``), else estimated ages."""
    likely = faces.probability_at_least(age)
    return (ESTIMATED_AGE, faces.age) if likely is None else (PROBABILITY, likely)


def require_minors(ages: Ints, groups: Ints, guarantee: Guarantee) -> None:
    """Refuse faces that cannot show what is promised, before anything is predicted for them.

    Args:
        ages: True whole years, -1 if unknown, (n,).
        groups: Number of each face's duplicate group, (n,).
        guarantee: What a demand is to promise.

    Raises:
        DataError: there are too few minors.
    """
    n = len(np.unique(groups[guarantee.minors(ages)]))
    if guarantee.may_pass(n) is None:
        raise DataError(guarantee.refusal(n))


def _minors_once(
    faces: LabelledPredictions, scores: Floats, guarantee: Guarantee, mask: NDArray[np.bool_]
) -> Floats:
    """The highest score of each duplicate group of the minors in ``mask``, (m,)."""
    rows = np.flatnonzero(mask & guarantee.minors(faces.ages))
    # Sorted by group, then by score: the last of each group is its highest.
    rows = rows[np.lexsort((scores[rows], faces.groups[rows]))]
    last = np.append(np.diff(faces.groups[rows]) > 0, True)[: len(rows)]
    return np.asarray(scores[rows[last]])


def _demand(
    faces: LabelledPredictions,
    scores: Floats,
    kind: ScoreKind,
    guarantee: Guarantee,
    axis: str,
    name: str,
    mask: NDArray[np.bool_],
) -> DemandOfGroup:
    minors = _minors_once(faces, scores, guarantee, mask)
    try:
        found = guaranteed_demand(minors, guarantee, kind)
    except DataError as error:
        return DemandOfGroup(
            axis=axis,
            name=name,
            n=len(minors),
            demand=None,
            reason=str(error),
            false_fail=None,
        )
    near = (faces.ages >= guarantee.age) & (faces.ages < guarantee.age + NEAR_YEARS)
    rows = np.flatnonzero(mask & near)
    fails = ~kind.passes(scores[rows], found.demand)
    return DemandOfGroup(
        axis=axis,
        name=name,
        n=len(minors),
        demand=found,
        reason="",
        false_fail=proportion(fails, faces.groups[rows]),
    )
