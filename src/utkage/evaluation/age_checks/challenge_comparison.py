"""Challenge ages of two predictors on the same faces, with paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from utkage.evaluation.age_checks.challenge import (
    FALSE_CHALLENGE,
    YEAR,
    AgeRows,
    AgeShares,
    ChallengeGroup,
    ChallengeReport,
    PassRule,
    age_parts,
    challenge_report,
    rule_to_dict,
)
from utkage.evaluation.groups.axes import Axis
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate, Part, weighted_mean


@dataclass(frozen=True, kw_only=True)
class PairedShares:
    """Shares of the faces of some true ages by two predictors, by rule.

    Attributes:
        group: The group of faces.
        first: Those of the first predictor.
        second: Those of the second, of the same faces.
        differences: Second minus first by rule, with the interval of the paired bootstrap.
    """

    group: ChallengeGroup
    first: AgeShares
    second: AgeShares
    differences: tuple[Estimate, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        shares = zip(self.first.shares, self.second.shares, self.differences, strict=True)
        names = ("first", "second", "difference")
        return {
            **{"axis": self.group.axis, "name": self.group.name},
            **self.first.to_dict(),
            "shares": [
                {name: found.to_dict() for name, found in zip(names, own, strict=True)}
                for own in shares
            ],
        }


@dataclass(frozen=True, kw_only=True)
class ChallengeComparison:
    """Who passes by each rule, by two predictors.

    Attributes:
        age: T, the legal age, years.
        rules: The rules whose scores both have.
        rows: The shares: of all faces, then of each group.
        missing: Sentences on what cannot be compared, each with the predictor's name.
    """

    age: int
    rules: tuple[PassRule, ...]
    rows: tuple[PairedShares, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "age": self.age,
            "rules": [rule_to_dict(rule) for rule in self.rules],
            "missing": list(self.missing),
            "rows": [row.to_dict() for row in self.rows],
        }


def compare_challenges(
    names: tuple[str, str],
    first: LabelledPredictions,
    second: LabelledPredictions,
    age: int,
    rules: Sequence[PassRule],
    bootstrap: Bootstrap,
    *,
    youngest: int,
    axes: Sequence[Axis] = (),
) -> ChallengeComparison:
    """Measure who passes by two predictors that have estimated ages of the same faces.

    Bands and both rates are compared, not single years.

    Args:
        names: Names of the predictors.
        first: Labels and predictions of the first.
        second: Those of the second, for the same faces in the same order, and with an estimated
            age for the same ones.
        age: T, the legal age, years.
        rules: The rules; those whose score one of the two does not have are left out, and said.
        bootstrap: Resamples of the faces.
        youngest: Youngest age of the minors of the false pass, years.
        axes: Axes of ``first`` whose groups are compared as well.

    Raises:
        UsageError: no face has a labelled and an estimated age.
    """
    whole = [
        challenge_report(each, age, rules, youngest=youngest, axes=axes) for each in (first, second)
    ]
    shared = tuple(rule for rule in whole[0].rules if rule in whole[1].rules)
    reports = [
        challenge_report(each, age, shared, youngest=youngest, axes=axes)
        for each in (first, second)
    ]
    parts = [
        part
        for _, _, parts in age_parts(first, age, youngest, axes)
        for part in parts
        if part.kind != YEAR
    ]
    differences = _differences(first, second, age, shared, parts, bootstrap)
    return ChallengeComparison(
        age=age,
        rules=shared,
        rows=tuple(
            PairedShares(group=group, first=ours, second=theirs, differences=found)
            for (group, ours, theirs), found in zip(_pairs(*reports), differences, strict=True)
        ),
        missing=tuple(
            f"{name}: {report.missing}"
            for name, report in zip(names, whole, strict=True)
            if report.missing
        ),
    )


def _pairs(
    first: ChallengeReport, second: ChallengeReport
) -> Iterator[tuple[ChallengeGroup, AgeShares, AgeShares]]:
    """The group and the two rows of each band and rate."""
    for group, other in zip(first.groups, second.groups, strict=True):
        for ours, theirs in zip(group.rows, other.rows, strict=True):
            if ours.kind != YEAR:
                yield group, ours, theirs


def _differences(
    first: LabelledPredictions,
    second: LabelledPredictions,
    age: int,
    rules: Sequence[PassRule],
    parts: Sequence[AgeRows],
    bootstrap: Bootstrap,
) -> list[tuple[Estimate, ...]]:
    """Second minus first, by part and rule."""
    changes = []
    for rule in rules:
        ours, theirs = (rule.passes(each, age) for each in (first, second))
        assert ours is not None
        assert theirs is not None
        changes.append(theirs.astype(np.float64) - ours)
    found = bootstrap.estimates_of(
        [
            Part(
                {
                    str(number): partial(
                        weighted_mean,
                        -change[part.rows] if part.kind == FALSE_CHALLENGE else change[part.rows],
                    )
                    for number, change in enumerate(changes)
                },
                part.rows,
            )
            for part in parts
        ]
    )
    return [tuple(own.values()) for own in found]
