"""``EvaluateResult``: everything that one evaluation measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.versions import versions
from utkage.data.labels import RANGE_NAMES
from utkage.data.records import Dropped
from utkage.evaluation.age_checks.challenge import ChallengeReport
from utkage.evaluation.age_checks.guarantee_report import GuaranteeReport
from utkage.evaluation.age_checks.thresholds import ThresholdCurve
from utkage.evaluation.comparison.paired_metrics import Comparison
from utkage.evaluation.comparison.side_by_side import SideBySide
from utkage.evaluation.groups.group_metrics import GroupReport
from utkage.evaluation.groups.persons import PersonReport
from utkage.evaluation.groups.source_summary import sources_to_dict, summarise_sources
from utkage.evaluation.metrics.bootstrap import rounded
from utkage.evaluation.metrics.populations import Population
from utkage.evaluation.metrics.scores import Metrics
from utkage.evaluation.robustness.corruption_errors import RobustnessReport
from utkage.models.card import Card

# 2: a label counts as inside its interval where low <= age <= high; intervals, groups,
# thresholds and comparisons.
SCHEMA = 2


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """Everything that one evaluation measured.

    Attributes:
        metrics: The short list of metrics.
        sources: The short list by source, if there are several.
        populations: Every metric with its interval: all ages, 16 and older, 21-60.
        persons: Persons, and the spread within them; None if not requested.
        groups: Metrics by group, and gaps between groups.
        threshold: Error rates of passing or failing at an age; None if not requested.
        guarantee: Demands that keep a promise about minors; None if not requested.
        challenge: Who passes at the challenge ages; None if not requested.
        side_by_side: The main metrics of all predictors on each source; None if there is only one.
        comparisons: Paired comparisons with other predictors on the same faces.
        stress: Errors on corrupted chips; None if not requested.
        oracle_mae: MAE with the true range fed to the age estimator, years; None for weights
            without such an estimator. No user gets this error.
        confusion: Counts, (9, 9): rows are true ranges, columns predicted ones.
        card: Card of the weights; None for a table of predictions.
        weights: The weights file.
        weights_origin: How the weights were chosen.
        data: Origin of the faces.
        further_data: Further data sets beside it.
        split: The split, or None for a plain folder.
        split_hash: Hash that identifies a prepared set.
        training_images: Number of faces that the weights were trained on; None where unknown.
        misses: Number of photographs without a detected face.
        unpredicted: Number of faces without a prediction in the table.
        skipped_seen: Number of training images, and duplicates of them, that were left out.
        warnings: Warnings of the guards that the request allowed.
        dropped: Pictures that could not be used, misses among them.
        seconds: Time of the predictions, seconds.
        command: The command line.
        files: The files written, by kind.
    """

    metrics: Metrics
    sources: dict[str, Metrics]
    populations: tuple[Population, ...]
    persons: PersonReport | None = None
    groups: GroupReport
    threshold: ThresholdCurve | None
    guarantee: GuaranteeReport | None = None
    challenge: ChallengeReport | None = None
    side_by_side: SideBySide | None = None
    comparisons: tuple[Comparison, ...]
    stress: RobustnessReport | None
    oracle_mae: float | None
    confusion: NDArray[np.int64]
    card: Card | None
    weights: Path
    weights_origin: str
    data: Path
    further_data: tuple[Path, ...] = ()
    split: str | None
    split_hash: str | None
    training_images: int | None
    misses: int
    unpredicted: int
    skipped_seen: int
    warnings: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    seconds: float
    command: str
    files: dict[str, Path]

    @property
    def title(self) -> str:
        """The weights and the faces, for headings."""
        split = f", {self.split} split" if self.split else ""
        return f"{self.weights.name} on {self.data_text}{split}"

    @property
    def data_text(self) -> str:
        """Origin of the faces: one path, or several with commas between them."""
        return ", ".join(map(str, (self.data, *self.further_data)))

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``evaluate --json`` and ``metrics.json``."""
        calibrated = self.card is not None and self.card.calibration is not None
        return {
            "schema": SCHEMA,
            **self.metrics.to_dict(),
            "oracle_mae": rounded(self.oracle_mae),
            "sources": {name: metrics.to_dict() for name, metrics in self.sources.items()},
            "source_summary": sources_to_dict(summarise_sources(self.groups)),
            "n_seen_in_training": self.training_images,
            "n_dropped": len(self.dropped),
            "n_no_face": self.misses,
            "n_unanswered": self.unpredicted,
            "n_skipped_seen": self.skipped_seen,
            "noticed": list(self.warnings),
            "data": self.data_text,
            "split": self.split,
            "split_hash": self.split_hash,
            "weights": str(self.weights),
            "calibrated": calibrated,
            "range_names": list(RANGE_NAMES),
            "range_confusion": self.confusion.tolist(),
            "populations": {found.name: found.to_dict() for found in self.populations},
            "persons": None if self.persons is None else self.persons.to_dict(),
            **self.groups.to_dict(),
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            "guarantee": None if self.guarantee is None else self.guarantee.to_dict(),
            "challenge": None if self.challenge is None else self.challenge.to_dict(),
            "side_by_side": None if self.side_by_side is None else self.side_by_side.to_dict(),
            "comparisons": [found.to_dict() for found in self.comparisons],
            "stress": None if self.stress is None else self.stress.to_dict(),
            "command": self.command,
            "seconds": round(self.seconds, 2),
            "versions": versions(),
        }
