"""Measures how much wider the age intervals of covered and unusual faces have to be."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tools.quality.coverings import COVERINGS
from tools.quality.face_frame import Painter
from tools.quality.looks import LOOKS
from utkage.data.chips import LabelledChips
from utkage.evaluation.calibration.fit_calibration import conformal_levels, conformity_scores
from utkage.faces.contract import CropContract
from utkage.faces.face_appearance import APPEARANCES, COVERED, UNUSUAL, shipped_face_appearance
from utkage.faces.quality import weaknesses
from utkage.models.calibration import LEVELS
from utkage.prediction.chip_predictor import BATCH, ChipPredictor
from utkage.prediction.loading import load_predictor
from utkage.prediction.predictions import Predictions
from utkage.prediction.wider_intervals import WiderIntervals

PAINTERS: Mapping[str, Mapping[str, Painter]] = {COVERED: COVERINGS, UNUSUAL: LOOKS}
# Nothing of a face is left of these, so that an age would be that of no one.
WITHOUT_FACE = frozenset({"drawn face"})


def measure_wider(faces: LabelledChips, seed: int) -> WiderIntervals:
    """Levels at which intervals of flagged faces hold as often as those of the same faces plain.

    Each face is painted with one kind in turn; those that the classifier then flags are measured
    with the shipped weights and their calibration. A level of all kinds together would fail on the
    hardest one, so each level is the widest of its kinds.
    """
    faces = faces.take(np.flatnonzero(faces.fully_labelled))
    predictor = load_predictor()
    random = np.random.default_rng(seed)
    requested, sizes, errors = {}, {}, {}
    chips = np.concatenate(list(faces.batches(BATCH, predictor.card.contract)))
    plain = _predict(predictor, chips)
    errors["plain"] = round(float(np.abs(plain.age - faces.ages).mean()), 2)
    # Intervals may hold more often than they say; flagged faces keep that margin.
    held = _nominal_scores(plain, faces.ages)[:, None] <= np.array(LEVELS)
    coverages = held.mean(axis=0)
    for flag in APPEARANCES:
        kinds = [kind for kind in PAINTERS[flag] if kind not in WITHOUT_FACE]
        contract = predictor.card.contract
        painted = np.stack(
            [
                PAINTERS[flag][kinds[index % len(kinds)]](chip.copy(), contract.template, random)
                for index, chip in enumerate(chips)
            ]
        )
        flagged = np.array([flag in _flags(chip, contract) for chip in painted])
        kind = np.arange(len(chips))[flagged] % len(kinds)
        predictions = _predict(predictor, painted[flagged])
        ages = faces.ages[flagged]
        scores = _nominal_scores(predictions, ages)
        widest = np.array(LEVELS)
        for index in range(len(kinds)):
            own = scores[kind == index]
            # A level of 1 would be an interval of all ages.
            targets = np.minimum(coverages, len(own) / (len(own) + 1))
            widest = np.maximum(widest, conformal_levels(own, tuple(targets)))
        requested[flag] = tuple(round(float(level), 4) for level in widest)
        sizes[flag] = int(flagged.sum())
        errors[flag] = round(float(np.abs(predictions.age - ages).mean()), 2)
    return WiderIntervals(
        LEVELS,
        requested,
        {
            "faces": f"validation faces of {', '.join(faces.source_names)}, painted, with the flag",
            "n": sizes,
            "mae": errors,
            "weights": "shipped",
            "date": datetime.date.today().isoformat(),
        },
    )


def _nominal_scores(predictions: Predictions, ages: NDArray[np.int64]) -> NDArray[np.float64]:
    """The lowest nominal coverage whose interval contains each face's age, (n,)."""
    scores = conformity_scores(ages, predictions.age_distribution)
    if predictions.calibration is None:
        return scores
    return predictions.calibration.nominal_coverage(scores, predictions.age)


def _predict(predictor: ChipPredictor, chips: NDArray[np.uint8]) -> Predictions:
    parts = [
        predictor.predict_chips(np.ascontiguousarray(chips[start : start + BATCH]))
        for start in range(0, len(chips), BATCH)
    ]
    return Predictions.concatenate(parts)


def _flags(chip: NDArray[np.uint8], contract: CropContract) -> tuple[str, ...]:
    return weaknesses(chip, contract, appearance=shipped_face_appearance())
