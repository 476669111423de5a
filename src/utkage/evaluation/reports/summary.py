"""The first screen of a report in plain words: what was tested, on whom, and what went worst.

Every number in it is computed from the metrics of the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from utkage.core.text import counted
from utkage.evaluation.age_checks.thresholds import BAND_DEMAND, NEAR_YEARS, ThresholdCurve
from utkage.evaluation.groups.group_metrics import COMPARABLE, SMALL, Group, GroupReport
from utkage.evaluation.metrics.bootstrap import Estimate
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.registry import SHARE, format_value
from utkage.evaluation.robustness.corruption_errors import RobustnessReport

DECISIONS = "decisions about a person (admission, age verification, hiring, pricing, policing)"
OTHER_USES = "identification, and gender identity"
FINDINGS = 3
# Axes that describe the people, by their names in the summary.
_PEOPLE = {"decade": "Ages", "gender": "Gender", "race": "Race, as labelled", "source": "Sources"}
# Groups that are named in a sentence; the table has all of them.
_NAMED = 6
_LEVEL = 0.8


@dataclass(frozen=True)
class Finding:
    """Something that is worse than expected.

    Attributes:
        kind: What is measured; the summary has one finding of a kind.
        text: A sentence.
        severity: How many times as large the error is as that of all faces, as that without a
            corruption, or as promised.
    """

    kind: str
    text: str
    severity: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The sentences of the first screen, by section."""

    tested: tuple[str, ...]
    people: tuple[str, ...]
    findings: tuple[str, ...]
    not_for: tuple[str, ...]


def summarise(
    everyone: Population,
    groups: GroupReport,
    threshold: ThresholdCurve | None,
    stress: RobustnessReport | None,
) -> Summary:
    """Sum up a report for a reader who knows no metrics."""
    found = [
        *_group_findings(everyone, groups),
        *_interval_findings(everyone),
        *_threshold_findings(threshold),
        *_robustness_findings(stress),
    ]
    worst: dict[str, Finding] = {}
    for finding in sorted(found, key=lambda finding: finding.severity, reverse=True):
        worst.setdefault(finding.kind, finding)
    nothing = (
        f"No group of at least {COMPARABLE} faces does worse than all faces together by more than "
        "chance explains."
    )
    return Summary(
        tested=tuple(_tested(everyone)),
        people=tuple(_people(groups)),
        findings=tuple(finding.text for finding in worst.values())[:FINDINGS] or (nothing,),
        not_for=tuple(_not_for(everyone, groups)),
    )


def _tested(everyone: Population) -> Iterator[str]:
    value = _values(everyone)
    has_age = bool({"mae", "label_range_accuracy"} & set(value))
    kinds = ["age"] * has_age + ["gender"] * ("gender_accuracy" in value)
    what = " and ".join(kinds).capitalize()
    yield f"{what} of {counted(everyone.n, 'face')}, predicted and compared with labels."
    if "mae" in value:
        yield f"Predicted ages differ from the true ones by {value['mae']:.1f} years on average."
    if "cs5" in value:
        yield f"{_share(value['cs5'])} of the ages are at most 5 years wrong."
    elif "label_range_accuracy" in value:
        yield f"{_share(value['label_range_accuracy'])} of the ages are within the labelled range."
    if "gender_accuracy" in value:
        correct = _share(value["gender_accuracy"])
        yield f"The predicted gender is the labelled one for {correct} of the faces."


def _people(groups: GroupReport) -> Iterator[str]:
    for axis, name in _PEOPLE.items():
        own = groups.of_axis(axis)
        if own:
            yield f"{name}: {', '.join(f'{group.name} ({group.n:,})' for group in own)}."


def _group_findings(everyone: Population, groups: GroupReport) -> Iterator[Finding]:
    value = _values(everyone)
    mae, correct = value.get("mae"), value.get("gender_accuracy")
    if mae:
        for group in _worse(groups, "mae", mae):
            found = group.value("mae")
            text = f"Ages are most wrong for {_described(group)}: by {found:.1f} years on average"
            yield from _if_worse("age", f"{text}, against {mae:.1f} for all faces.", found / mae)
        for group in _worse(groups, "bias", 0.0):
            found = group.value("bias")
            direction = "old" if found > 0 else "young"
            text = (
                f"Ages of {_described(group)} are predicted {abs(found):.1f} years too {direction}"
            )
            yield from _if_worse("bias", f"{text} on average.", abs(found) / mae)
    if correct is not None and correct < 1:
        for group in _worse(groups, "gender_accuracy", correct):
            found = 1 - group.value("gender_accuracy")
            text = f"Gender is most often wrong for {_described(group)}: {_share(found)} of them"
            text = f"{text}, against {_share(1 - correct)} of all faces."
            yield from _if_worse("gender", text, found / (1 - correct))


def _worse(groups: GroupReport, metric: str, value: float) -> Iterator[Group]:
    """The worst group by a metric of those whose interval does not contain ``value``, if any."""
    for group in groups.worst(metric, len(groups.groups)):
        if _differs(group.metrics[metric], value):
            yield group
            return


def _differs(found: Estimate, value: float) -> bool:
    if found.low is None or found.high is None:
        return False
    return not found.low <= value <= found.high


def _interval_findings(everyone: Population) -> Iterator[Finding]:
    coverage = _values(everyone).get("coverage_80")
    if coverage is not None and _differs(everyone.metrics["coverage_80"], _LEVEL):
        text = (
            f"The interval that should contain the true ages of {_share(_LEVEL)} of the faces "
            f"contains those of {_share(coverage)}."
        )
        yield from _if_worse("interval", text, (1 - coverage) / (1 - _LEVEL))


def _threshold_findings(curve: ThresholdCurve | None) -> Iterator[Finding]:
    if curve is None:
        return
    for point in curve.points:
        near, everyone = point.near_false_pass.value, point.false_pass.value
        if point.demand == BAND_DEMAND and near and everyone:
            ages = f"{max(0, curve.age - NEAR_YEARS)} to {curve.age - 1}"
            text = (
                f"{_share(near)} of the faces aged {ages} pass as {curve.age} or older if "
                f"P(age >= {curve.age}) has to be at least {_share(BAND_DEMAND)}, against "
                f"{_share(everyone)} of all faces under {curve.age}."
            )
            yield from _if_worse("threshold", text, near / everyone)


def _robustness_findings(stress: RobustnessReport | None) -> Iterator[Finding]:
    if stress is None or not stress.clean:
        return
    for factor in stress.factors:
        for level in factor.levels:
            if level.mae.value is not None:
                text = (
                    f'Under the corruption "{factor.label}" at {level.label}, ages are wrong by '
                    f"{level.mae.value:.1f} years on average, against {stress.clean:.1f} without."
                )
                yield from _if_worse("corruption", text, level.mae.value / stress.clean)


def _if_worse(kind: str, text: str, severity: float) -> Iterator[Finding]:
    if severity > 1:
        yield Finding(kind, text, severity)


def _not_for(everyone: Population, groups: GroupReport) -> Iterator[str]:
    within = _values(everyone).get("cs10")
    reason = "" if within is None else f": {_share(1 - within)} of the ages are over 10 years wrong"
    yield f"{DECISIONS[0].upper()}{DECISIONS[1:]}{reason}."
    yield f"{OTHER_USES[0].upper()}{OTHER_USES[1:]}."
    small = [group for axis in (*_PEOPLE, *groups.chosen) for group in groups.of_axis(axis)]
    small = [group for group in small if group.small]
    if small:
        yield f"Statements about groups of fewer than {SMALL} faces here: {_listed(small)}."


def _listed(groups: Sequence[Group]) -> str:
    names = ", ".join(f"{group.label} ({group.n})" for group in groups[:_NAMED])
    rest = len(groups) - _NAMED
    return f"{names} and {rest} more" if rest > 0 else names


def _described(group: Group) -> str:
    return f"{group.label} (n = {group.n:,})"


def _values(population: Population) -> dict[str, float]:
    return {
        name: found.value for name, found in population.metrics.items() if found.value is not None
    }


def _share(share: float) -> str:
    return format_value(share, SHARE)
