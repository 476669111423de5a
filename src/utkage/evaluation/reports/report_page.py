"""``Page``: what a report shows, as HTML and as a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utkage.evaluation.age_checks.challenge import ChallengeReport
from utkage.evaluation.age_checks.guarantee_report import GuaranteeReport
from utkage.evaluation.age_checks.thresholds import ThresholdCurve
from utkage.evaluation.comparison.paired_metrics import Comparison
from utkage.evaluation.comparison.side_by_side import SideBySide
from utkage.evaluation.groups.group_metrics import GroupReport
from utkage.evaluation.groups.persons import PersonReport
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.robustness.corruption_errors import RobustnessReport


@dataclass(frozen=True, kw_only=True)
class Page:
    """The contents of the page; the fields below ``warnings`` are those of ``EvaluateResult``.

    Attributes:
        title: The weights and the faces.
        charts: SVG files by their captions, in order.
        facts: Origin of everything: hashes, crop contract, command, versions.
        warnings: Sentences to read before the first number.
    """

    title: str
    charts: Mapping[str, Path]
    facts: Mapping[str, str]
    warnings: Sequence[str]
    populations: Sequence[Population]
    persons: PersonReport | None = None
    groups: GroupReport
    threshold: ThresholdCurve | None
    guarantee: GuaranteeReport | None = None
    challenge: ChallengeReport | None = None
    side_by_side: SideBySide | None = None
    comparisons: Sequence[Comparison]
    stress: RobustnessReport | None
