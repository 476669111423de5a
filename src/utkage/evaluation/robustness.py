"""How errors grow when pictures get worse: every factor of ``disturbances`` at every strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.age_errors import mean_absolute_error
from utkage.evaluation.bootstrap import Bootstrap, Estimate
from utkage.evaluation.classification import accuracy
from utkage.evaluation.corruptions import FACTORS, Factor
from utkage.prediction.chip_predictor import BATCH, ChipPredictor
from utkage.prediction.predictions import Predictions

# Faces of the sample: enough for half a year, and forty passes over them do not take hours.
SAMPLE = 400


@dataclass(frozen=True)
class CorruptionLevel:
    """Errors at one strength.

    Attributes:
        strength: As in the factor.
        label: For people.
        mae: Years.
        gender_accuracy: Share.
    """

    strength: float
    label: str
    mae: Estimate
    gender_accuracy: Estimate


@dataclass(frozen=True)
class CorruptionResult:
    """Errors over one factor.

    Attributes:
        name: Such as ``"blur"``.
        words: What a person calls it.
        levels: From mild to severe.
        doubles_at: Label of the first strength with twice the undisturbed MAE, or None.
    """

    name: str
    words: str
    levels: tuple[CorruptionLevel, ...]
    doubles_at: str | None

    @property
    def doubling(self) -> str:
        """Where the error doubles, in words."""
        return (
            "does not double here" if self.doubles_at is None else f"doubles at {self.doubles_at}"
        )


@dataclass(frozen=True)
class RobustnessReport:
    """Errors over all factors.

    Attributes:
        n: Faces of the sample.
        clean: Undisturbed MAE of the sample, years.
        factors: Each with its levels.
    """

    n: int
    clean: float
    factors: tuple[CorruptionResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "n": self.n,
            "clean_mae": round(self.clean, 4),
            "factors": [
                {
                    "name": factor.name,
                    "words": factor.words,
                    "doubles_at": factor.doubles_at,
                    "levels": [
                        {
                            "strength": level.strength,
                            "label": level.label,
                            "mae": level.mae.to_dict(),
                            "gender_accuracy": level.gender_accuracy.to_dict(),
                        }
                        for level in factor.levels
                    ],
                }
                for factor in self.factors
            ],
        }


def robustness_report(
    predictor: ChipPredictor,
    faces: LabelledChips,
    reporter: Reporter,
    *,
    sample: int = SAMPLE,
    resamples: int = 1000,
    seed: int = 0,
    factors: tuple[Factor, ...] = FACTORS,
) -> RobustnessReport:
    """Answer for a sample of the faces under every factor at every strength.

    Chips are disturbed at the size that the predictor takes.

    Args:
        predictor: Answers for chips.
        faces: Labelled chips.
        reporter: Hears of progress.
        sample: So many faces, drawn at random; all if there are fewer.
        resamples: Of the bootstrap.
        seed: Of sample and bootstrap.
        factors: What is done to the chips.
    """
    chosen = np.random.default_rng(seed).permutation(len(faces))[:sample]
    rows = np.sort(chosen)
    own = _sampled(faces, rows)
    chips = np.concatenate(list(own.batches(BATCH, predictor.card.contract.size)))
    bootstrap = Bootstrap.draw(own.group_numbers, resamples, seed)
    total = (1 + sum(len(factor.strengths) for factor in factors)) * len(own)
    found: list[CorruptionResult] = []
    with reporter.progress("stress", total) as task:

        def errors(change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Predictions:
            parts = []
            for start in range(0, len(chips), BATCH):
                batch = np.ascontiguousarray(change(chips[start : start + BATCH]))
                parts.append(predictor.predict_chips(batch))
                task.advance(len(batch))
            return Predictions.concatenate(parts)

        clean = float(mean_absolute_error(own.ages, errors(lambda batch: batch).age))
        for factor in factors:
            levels = []
            for strength in factor.strengths:
                answers = errors(partial(_disturbed, factor, strength))
                levels.append(_level(factor, strength, own, answers, bootstrap))
            doubled = [level.label for level in levels if (level.mae.value or 0) >= 2 * clean]
            found.append(
                CorruptionResult(
                    factor.name, factor.words, tuple(levels), doubled[0] if doubled else None
                )
            )
    return RobustnessReport(len(own), clean, tuple(found))


def _disturbed(factor: Factor, strength: float, chips: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return factor.disturb(chips, strength)


def _level(
    factor: Factor,
    strength: float,
    faces: LabelledChips,
    answers: Predictions,
    bootstrap: Bootstrap,
) -> CorruptionLevel:
    found = bootstrap.estimates(
        {
            "mae": lambda weights: mean_absolute_error(faces.ages, answers.age, weights),
            "gender": lambda weights: accuracy(faces.genders, answers.gender, weights),
        }
    )
    return CorruptionLevel(strength, factor.label(strength), found["mae"], found["gender"])


def _sampled(faces: LabelledChips, rows: NDArray[np.int64]) -> LabelledChips:
    return replace(
        faces,
        rows=faces.rows[rows],
        sources=tuple(faces.sources[row] for row in rows),
        names=tuple(faces.names[row] for row in rows),
        ages=faces.ages[rows],
        genders=faces.genders[rows],
        races=faces.races[rows],
        pixel_hashes=tuple(faces.pixel_hashes[row] for row in rows),
        groups=tuple(faces.groups[row] for row in rows) if faces.groups else (),
    )
