"""The challenge age: who passes an age check by appearance, by true age and by group.

Whoever looks younger than the challenge age, such as 25, is asked for a document that proves the
legal age, such as 18. NIST FATE AEV (NIST IR 8525) calls the minors who are estimated at or over
the challenge age false positives (FPR is their share), and the others of legal age who are
estimated under it false negatives (FNR): here a false pass and a false challenge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.core.text import counted
from utkage.data.labels import MAX_AGE
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE, PROBABILITY, ScoreKind
from utkage.evaluation.age_checks.thresholds import NEAR_YEARS
from utkage.evaluation.groups.axes import Axis, chosen_axes, standard_axes
from utkage.evaluation.groups.group_metrics import SMALL
from utkage.evaluation.inputs.labelled_predictions import AGE, AGE_RANGE, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Estimate, Ints
from utkage.evaluation.metrics.proportions import proportion

# First and last year of each band, as distances from the legal age; None: no end.
BANDS = ((-5, -3), (-2, -1), (0, NEAR_YEARS - 1), (NEAR_YEARS, None))
YEAR, BAND, FALSE_PASS, FALSE_CHALLENGE = "year", "band", "false_pass", "false_challenge"
"""Kinds of ``AgeShares``: the first two are of faces that pass."""
# Axes of true or predicted age, in whose groups either minors or adults are missing.
_AGE_AXES = frozenset(("range", "decade", "predicted age"))


@dataclass(frozen=True, kw_only=True)
class PassRule:
    """When a face passes: its score is at least ``demand``.

    Attributes:
        kind: What the score is: the estimated age, or P(age >= T).
        demand: Lowest score that passes.
    """

    kind: ScoreKind
    demand: float

    def label(self, age: int) -> str:
        """Such as ``estimated 25 or older``; ``age`` is T."""
        if self.kind is PROBABILITY:
            return f"P(age >= {age}) at least {self.demand * 100:g}%"
        return f"estimated {self.demand:g} or older"

    def passes(self, faces: LabelledPredictions, age: int) -> NDArray[np.bool_] | None:
        """Mask of the faces that pass, (n,); None without the score. ``age`` is T."""
        scores = faces.age if self.kind is ESTIMATED_AGE else faces.probability_at_least(age)
        # Faces without a prediction pass no check.
        known = None if scores is None else np.where(np.isnan(scores), -1, scores)
        return None if known is None else self.kind.passes(known, self.demand)


@dataclass(frozen=True, kw_only=True)
class AgeShares:
    """Shares of the faces of some true ages, by rule.

    Attributes:
        kind: ``YEAR`` or ``BAND``: the share that passes; ``FALSE_PASS``: that of minors;
            ``FALSE_CHALLENGE``: the share of adults that do not pass.
        first: Youngest true age, years.
        last: Oldest; None: no end.
        n: Number of faces.
        shares: The share by each rule.
    """

    kind: str
    first: int
    last: int | None
    n: int
    shares: tuple[Estimate, ...]

    @property
    def small(self) -> bool:
        """Whether there are too few faces to rely on the shares."""
        return self.n < SMALL

    @property
    def years(self) -> str:
        """The true ages, such as ``13-15`` or ``25+``."""
        if self.last is None:
            return f"{self.first}+"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **{"kind": self.kind, "first": self.first, "last": self.last, "n": self.n},
            "small": self.small,
            "shares": [share.to_dict() for share in self.shares],
        }


@dataclass(frozen=True, kw_only=True)
class ChallengeGroup:
    """The shares of one group of faces.

    Attributes:
        axis: Attribute that divides the faces; empty for all faces.
        name: Name of the group.
        rows: Its shares; single years only for all faces.
    """

    axis: str
    name: str
    rows: tuple[AgeShares, ...]

    @property
    def label(self) -> str:
        """Axis and name, such as ``"race Asian"``."""
        return f"{self.axis} {self.name}".lstrip()


@dataclass(frozen=True, kw_only=True)
class ChallengeReport:
    """Who passes by each rule.

    Attributes:
        age: T, the legal age, years.
        youngest: Youngest age of the minors of the false pass, years.
        rules: The rules, in the order of ``AgeShares.shares``.
        groups: All faces, then the groups of each axis.
        on_both_sides: Number of faces whose labelled range lies on both sides of T; they are in no
            share.
        missing: What cannot be computed from these predictions, as a sentence; or empty.
        intervals: How the intervals are computed, as a sentence.
    """

    age: int
    youngest: int
    rules: tuple[PassRule, ...]
    groups: tuple[ChallengeGroup, ...]
    on_both_sides: int
    missing: str
    intervals: str

    @property
    def everyone(self) -> ChallengeGroup:
        """All faces."""
        return self.groups[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "age": self.age,
            "youngest": self.youngest,
            "rules": [rule_to_dict(rule) for rule in self.rules],
            "on_both_sides": self.on_both_sides,
            "missing": self.missing or None,
            "intervals": self.intervals,
            "groups": [
                {
                    **{"axis": group.axis, "name": group.name},
                    "rows": [row.to_dict() for row in group.rows],
                }
                for group in self.groups
            ],
        }


def rule_to_dict(rule: PassRule) -> dict[str, Any]:
    """JSON-ready."""
    return {"score": rule.kind.name, "demand": rule.demand}


@dataclass(frozen=True, kw_only=True)
class AgeRows:
    """The faces of some true ages whose share is measured.

    Attributes:
        kind: As in ``AgeShares``.
        first: Youngest true age, years.
        last: Oldest; None: no end.
        rows: Their indices, (m,).
    """

    kind: str
    first: int
    last: int | None
    rows: Ints


def challenge_report(
    faces: LabelledPredictions,
    age: int,
    rules: Sequence[PassRule],
    *,
    youngest: int,
    axes: Sequence[Axis] = (),
) -> ChallengeReport:
    """Measure who passes by each rule.

    A face whose age is a range is counted where its whole range belongs.

    Args:
        faces: Labels and predictions.
        age: T, the legal age, years.
        rules: The rules; those whose score ``faces`` do not have are left out, and said.
        youngest: Youngest age of the minors of the false pass, years.
        axes: Axes whose groups are measured as well; those of ages are left out.

    Raises:
        UsageError: no face has a labelled and an estimated age.
    """
    known = _known(faces)
    if not known.any():
        raise UsageError(
            "`challenge` needs labelled and estimated ages; these faces do not have both"
        )
    usable, missing = usable_rules(faces, age, rules)
    passed = [found for rule in usable if (found := rule.passes(faces, age)) is not None]

    def shares(part: AgeRows) -> AgeShares:
        wrong = part.kind == FALSE_CHALLENGE
        groups = faces.groups[part.rows]
        return AgeShares(
            kind=part.kind,
            first=part.first,
            last=part.last,
            n=len(part.rows),
            shares=tuple(proportion(found[part.rows] != wrong, groups) for found in passed),
        )

    groups = [
        ChallengeGroup(axis=axis, name=name, rows=tuple(map(shares, parts)))
        for axis, name, parts in age_parts(faces, age, youngest, axes)
    ]
    low, high = faces.allowed_ages.T
    return ChallengeReport(
        age=age,
        youngest=youngest,
        rules=usable,
        groups=tuple(groups),
        on_both_sides=int((known & (low < age) & (high >= age)).sum()),
        missing=missing,
        intervals=_interval_note(faces),
    )


def usable_rules(
    faces: LabelledPredictions, age: int, rules: Sequence[PassRule]
) -> tuple[tuple[PassRule, ...], str]:
    """The rules whose score ``faces`` have, and a sentence on the others."""
    if faces.probability_at_least(age) is not None:
        return tuple(rules), ""
    usable = tuple(rule for rule in rules if rule.kind is ESTIMATED_AGE)
    if len(usable) == len(rules):
        return usable, ""
    return usable, (
        f"These predictions have no P(age >= {age}), so only estimated ages are compared with the "
        "challenge ages."
    )


def challenge_axes(faces: LabelledPredictions, choices: Sequence[str]) -> list[Axis]:
    """The axes whose groups are measured: those of every evaluation and the chosen ones.

    ``choices`` and errors as in ``axes.chosen_axes``.
    """
    axes = [*standard_axes(faces), *chosen_axes(faces, choices, "group_by")]
    return group_axes({axis.name: axis for axis in axes}.values())


def group_axes(axes: Iterable[Axis]) -> list[Axis]:
    """The axes whose groups hold minors and adults: none of ages."""
    return [axis for axis in axes if not _AGE_AXES & set(axis.name.split(" x "))]


def _known(faces: LabelledPredictions) -> NDArray[np.bool_]:
    return faces.labelled(AGE) | faces.labelled(AGE_RANGE)


def age_parts(
    faces: LabelledPredictions, age: int, youngest: int, axes: Sequence[Axis]
) -> Iterator[tuple[str, str, list[AgeRows]]]:
    """Axis and name of each group of faces, all faces first, and its faces by age.

    Arguments as for ``challenge_report``. The years are those of all faces only; bands without a
    face are left out.
    """
    known = _known(faces)
    years = [
        AgeRows(kind=YEAR, first=year, last=year, rows=rows)
        for year in range(MAX_AGE + 1)
        if len(rows := np.flatnonzero(known & (faces.ages == year)))
    ]
    yield "", "all faces", [*years, *_bands(faces, age, youngest, known)]
    for axis in axes:
        for name, mask in axis.members():
            yield axis.name, name, _bands(faces, age, youngest, known & mask)


def _bands(
    faces: LabelledPredictions, age: int, youngest: int, mask: NDArray[np.bool_]
) -> list[AgeRows]:
    """The bands that hold a face, then the minors and the adults, of the faces in ``mask``."""
    ends = [
        (BAND, max(age + first, 0), None if last is None else age + last)
        for first, last in BANDS
        if last is None or age + last >= 0
    ]
    found = []
    for kind, first, last in (*ends, (FALSE_PASS, youngest, age - 1), (FALSE_CHALLENGE, age, None)):
        own = mask & faces.of_ages_mask(first, MAX_AGE if last is None else last)
        rows = np.flatnonzero(own)
        if len(rows) or kind != BAND:
            found.append(AgeRows(kind=kind, first=first, last=last, rows=rows))
    return found


def _interval_note(faces: LabelledPredictions) -> str:
    """How the intervals count the pictures of ``faces``."""
    repeated = len(faces) - len(np.unique(faces.groups))
    if not repeated:
        return "Intervals: Clopper and Pearson."
    return (
        f"Intervals: Clopper and Pearson, with {counted(repeated, 'picture')} of the same persons "
        "or duplicates counted for less."
    )
