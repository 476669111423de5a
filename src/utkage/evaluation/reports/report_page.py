"""``Page``: what a report shows, as HTML and as a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from utkage.evaluation.challenge import ChallengeReport
from utkage.evaluation.comparison import Comparison
from utkage.evaluation.groups import GroupReport
from utkage.evaluation.guarantee_report import GuaranteeReport
from utkage.evaluation.persons import PersonReport
from utkage.evaluation.populations import Population
from utkage.evaluation.robustness import RobustnessReport
from utkage.evaluation.thresholds import ThresholdCurve


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
    comparisons: Sequence[Comparison]
    stress: RobustnessReport | None
