"""Guards against worthless results: inverted, leaked or copied labels, and the oracle's error."""

from __future__ import annotations

import numpy as np

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.inputs.labelled_faces import FaceSelection, LabelledFaces, guard_leakage
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    GENDER,
    Floats,
    Ints,
    LabelledPredictions,
)
from utkage.evaluation.inputs.prediction_sources import PredictionSource
from utkage.evaluation.metrics.age_errors import mean_absolute_error
from utkage.evaluation.metrics.classification import area_under_curve
from utkage.prediction.chip_predictor import BATCH, ChipPredictor, TorchPredictor

# A model that guesses gender has an AUC of 0.5 +- 0.15 on _ENOUGH faces; with inverted labels a
# trained model has one near 0.05.
_INVERTED_AUC = 0.3
_ENOUGH = 40
# No model that uses only the picture finds the correct range this often and still errs by a year.
_FED_ACCURACY = 0.97
_FED_ERROR = 1.0
_FED_FACES = 100
# No model errs by so little on faces of so different ages: the error of people is several years.
_PERFECT_MAE = 0.5
_PERFECT_FACES = 20
_VARIED_YEARS = 3.0
# Ages that are all those of the labels, to the digit, tell even on few faces.
_EXACT_FACES = 5
_EXACT_SHARE = 0.95
# Genders without a single error, all with a probability of 0 or 1.
_PERFECT_GENDERS = 200
ORACLE_NOTE = (
    "An estimator that receives the true age range can only err within it. Predicting the median "
    "age of that range does as well without looking at the picture, so such an MAE (the widely "
    "quoted 3.05 years is one) carries no information."
)


def guard_predictions(
    faces: LabelledPredictions,
    name: str,
    *,
    allow: bool,
    reporter: Reporter,
    memorised: bool = False,
) -> tuple[str, ...]:
    """Refuse predictions that suggest inverted, leaked or copied labels, or ``allow`` them.

    ``name`` is that of the weights or the table, for messages. With ``memorised``, the
    predictor was trained on these faces, so predictions without errors are no sign of copies.

    Returns:
        The warnings.

    Raises:
        DataError: there is a warning, and ``allow`` is False.
    """
    warnings = []
    # By source, since only one of several may follow another convention.
    sources = np.array(faces.sources)
    inverted = [
        name
        for name in sorted(set(faces.sources))
        if gender_is_inverted(faces.genders[sources == name], faces.p_female[sources == name])
    ]
    if inverted:
        warnings.append(
            f"the gender of {', '.join(inverted)} is inverted in the labels or in the predictions "
            "(0 must be male and 1 female, and p_female the probability of female)"
        )
    if true_range_was_fed(faces):
        warnings.append(
            "the predictions hardly ever leave the true age range, so the predictor probably "
            "received it as an input; no user gets such an error"
        )
    copied = () if memorised else labels_were_copied(faces)
    if copied:
        warnings.append(
            f"the predicted {' and '.join(copied)} {'equal' if len(copied) > 1 else 'equals'} the "
            "labels, so the table probably holds labels in the place of predictions, or the "
            "predictor was trained on these pictures"
        )
    for warning in warnings:
        if not allow:
            raise DataError(f"{name}: {warning}; use `allow_suspicious=True` to score it anyway")
        reporter.warn(f"{name}: {warning}")
    return tuple(warnings)


def gender_is_inverted(genders: Ints, p_female: Floats) -> bool:
    """Whether males (0) and females (1) are well separated, but with the two swapped.

    UTKFace codes males as 0 and females as 1; IMDB-WIKI and others code males as 1. False if there
    are too few faces of either gender to tell.
    """
    known = (genders >= 0) & ~np.isnan(p_female)
    genders, p_female = genders[known], p_female[known]
    women = int((genders == 1).sum())
    if min(women, len(genders) - women) < _ENOUGH // 2:
        return False
    return bool(area_under_curve(genders, p_female) < _INVERTED_AUC)


def true_range_was_fed(faces: LabelledPredictions) -> bool:
    """Whether predictions are nearly always in the true age range, yet err inside it."""
    faces = faces.with_label(AGE)
    if len(faces) < _FED_FACES:
        return False
    correct = float((faces.ranges == faces.range_index).mean())
    return correct >= _FED_ACCURACY and float(np.abs(faces.age - faces.ages).mean()) >= _FED_ERROR


def labels_were_copied(faces: LabelledPredictions) -> tuple[str, ...]:
    """Which of age and gender is predicted without the errors that every model makes."""
    found = []
    aged = faces.with_label(AGE)
    if len(aged) >= _EXACT_FACES:
        errors = np.abs(aged.age - aged.ages)
        varied = np.abs(aged.ages - np.median(aged.ages)).mean() >= _VARIED_YEARS
        exact = (errors == 0).mean() >= _EXACT_SHARE
        small = len(aged) >= _PERFECT_FACES and errors.mean() < _PERFECT_MAE
        if varied and (exact or small):
            found.append("age")
    gendered = faces.with_label(GENDER)
    # Only probabilities of exactly 0 and 1 equal a label.
    if len(gendered) >= _PERFECT_GENDERS and (gendered.p_female == gendered.genders).all():
        found.append("gender")
    return tuple(found)


def oracle_error(
    predictor: ChipPredictor | None, faces: LabelledChips, reporter: Reporter
) -> float | None:
    """MAE in years given each face's true range; None if the predictor does not take ranges."""
    if not isinstance(predictor, TorchPredictor) or not predictor.feeds_ranges:
        return None
    faces = faces.take(np.flatnonzero(faces.fully_labelled))
    if not len(faces):
        return None
    ranges = faces.ranges
    ages: list[float] = []
    with reporter.progress("evaluating with true ranges", len(faces)) as task:
        for chips in faces.batches(BATCH, predictor.card.contract):
            given = ranges[len(ages) : len(ages) + len(chips)]
            ages.extend(predictor.ages_given_ranges(chips, given))
            task.advance(len(chips))
    return float(mean_absolute_error(faces.ages, np.array(ages)))


def guard_training_images(
    source: PredictionSource, labelled: LabelledFaces, selection: FaceSelection, reporter: Reporter
) -> int | None:
    """Number of faces that the source was trained on; None where it is unknown."""
    if source.training_images is not None:
        return guard_leakage(
            labelled.chips, source.training_images, selection, reporter, str(source.path)
        )
    same_set = source.card is not None and source.card.data.get("split_hash") == labelled.split_hash
    # Training on the same prepared set never uses its other splits.
    if same_set and labelled.split in ("val", "test"):
        return 0
    reporter.warn(f"{source.path}: has no record of its training images")
    return None
