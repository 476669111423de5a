"""How errors grow on corrupted chips: each corruption at each strength."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from utkage.core.errors import UsageError
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.groups.axes import Axis, chosen_axes, single_axes
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions, with_labels
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate, rounded
from utkage.evaluation.metrics.registry import metric_value, statistics
from utkage.evaluation.robustness.corruptions import CORRUPTIONS, Chips
from utkage.evaluation.robustness.group_losses import AXES, CAVEAT, GroupLoss, losses_by_group
from utkage.prediction.chip_predictor import BATCH, ChipPredictor
from utkage.prediction.predictions import Predictions

# Enough faces for intervals of half a year, few enough for forty passes.
SAMPLE = 400


@dataclass(frozen=True)
class CorruptionLevel:
    """Errors at one strength, written as ``label``: MAE in years, share of correct genders."""

    strength: float
    label: str
    mae: Estimate
    gender_accuracy: Estimate


@dataclass(frozen=True)
class CorruptionResult:
    """Errors under one corruption.

    Attributes:
        name: Name of the corruption, such as ``"blur"``.
        label: Name with its unit, for tables and charts.
        levels: Errors from mild to severe.
        doubles_at: Label of the first strength with twice the uncorrupted MAE, or None.
    """

    name: str
    label: str
    levels: tuple[CorruptionLevel, ...]
    doubles_at: str | None

    @property
    def doubling(self) -> str:
        """The strength at which the error doubles, as text."""
        return "does not double" if self.doubles_at is None else f"doubles at {self.doubles_at}"


@dataclass(frozen=True)
class RobustnessReport:
    """Errors under all corruptions.

    Attributes:
        n: Number of faces in the sample.
        clean: MAE of the sample without corruption, years.
        factors: Errors by corruption.
        groups: What each group loses, axis by axis.
    """

    n: int
    clean: float
    factors: tuple[CorruptionResult, ...]
    groups: tuple[GroupLoss, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "n": self.n,
            "clean_mae": rounded(self.clean),
            "factors": [
                {
                    "name": factor.name,
                    "words": factor.label,
                    "doubles_at": factor.doubles_at,
                    "levels": [rounded(asdict(level)) for level in factor.levels],
                }
                for factor in self.factors
            ],
            "groups": [group.to_dict() for group in self.groups],
            "groups_caveat": CAVEAT,
        }


def robustness_report(
    predictor: ChipPredictor,
    faces: LabelledChips,
    reporter: Reporter,
    *,
    sample: int = SAMPLE,
    group_by: Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> RobustnessReport:
    """Predict a random ``sample`` of the faces under every corruption at every strength.

    Only faces with an age in whole years and a gender are drawn. ``group_by`` names axes whose
    groups are compared beside those of ``group_losses.AXES``, as in ``axes.chosen_axes``. Every
    corrupted chip is predicted once, however many groups there are.

    Chips are corrupted at the size that the predictor takes. ``seed`` is that of the sample and of
    the bootstrap.
    """
    faces = faces.take(np.flatnonzero(faces.fully_labelled))
    if not len(faces):
        raise UsageError("`stress` needs faces with an age in whole years and a gender")
    rows = np.sort(np.random.default_rng(seed).permutation(len(faces))[:sample])
    own = faces.take(rows)
    chips = np.concatenate(list(own.batches(BATCH, predictor.card.contract)))
    bootstrap = Bootstrap.draw(own.group_numbers, resamples, seed)
    total = (1 + sum(len(corruption.strengths) for corruption in CORRUPTIONS)) * len(own)
    results: list[CorruptionResult] = []
    with reporter.progress("robustness", total) as task:

        def predict(
            corrupt: Callable[[Chips, float], Chips], strength: float
        ) -> LabelledPredictions:
            parts = []
            for start in range(0, len(chips), BATCH):
                batch = np.ascontiguousarray(corrupt(chips[start : start + BATCH], strength))
                parts.append(predictor.predict_chips(batch))
                parts[-1].require_possible()
                task.advance(len(batch))
            return with_labels(own, Predictions.concatenate(parts))

        plain = predict(lambda batch, _: batch, 0.0)
        clean = metric_value("mae", plain) or 0.0
        corrupted: dict[str, list[LabelledPredictions]] = {}
        for corruption in CORRUPTIONS:
            levels = []
            for strength in corruption.strengths:
                predicted = predict(corruption.corrupt, strength)
                corrupted.setdefault(corruption.name, []).append(predicted)
                found = bootstrap.estimates(statistics(predicted, ("mae", "gender_accuracy")))
                levels.append(
                    CorruptionLevel(strength, corruption.format_strength(strength), **found)
                )
            doubled = (level.label for level in levels if (level.mae.value or 0) >= 2 * clean)
            results.append(
                CorruptionResult(
                    corruption.name, corruption.label, tuple(levels), next(doubled, None)
                )
            )
    groups = losses_by_group(plain, corrupted, _axes(plain, group_by), bootstrap)
    return RobustnessReport(len(own), clean, tuple(results), groups)


def _axes(faces: LabelledPredictions, group_by: Sequence[str]) -> list[Axis]:
    known = single_axes(faces)
    axes = {name: known[name] for name in AXES if name in known}
    for choice in group_by:
        # All faces have this axis, but those drawn may all be unknown in it.
        with suppress(UsageError):
            axes |= {axis.name: axis for axis in chosen_axes(faces, [choice], "group_by")}
    return list(axes.values())
