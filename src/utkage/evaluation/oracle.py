"""The error of an age estimator that receives the true age range: a warning, not a result."""

from __future__ import annotations

from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.age_errors import mean_absolute_error
from utkage.prediction.chip_predictor import BATCH, ChipPredictor, TorchPredictor

ORACLE_NOTE = (
    "An estimator that receives the true age range can only err within it. Predicting the median "
    "age of that range does as well without looking at the picture, so such an MAE (the widely "
    "quoted 3.05 years is one) carries no information."
)


def oracle_error(
    predictor: ChipPredictor | None, faces: LabelledChips, reporter: Reporter
) -> float | None:
    """MAE in years given each face's true range; None if the predictor does not take ranges."""
    if not isinstance(predictor, TorchPredictor) or not predictor.feeds_ranges:
        return None
    ranges, errors = faces.ranges, 0.0
    with reporter.progress("evaluating with true ranges", len(faces)) as task:
        start = 0
        for chips in faces.batches(BATCH, predictor.card.contract.size):
            part = slice(start, start + len(chips))
            ages = predictor.ages_given_ranges(chips, ranges[part])
            errors += mean_absolute_error(faces.ages[part], ages) * len(chips)
            start += len(chips)
            task.advance(len(chips))
    return errors / len(faces)
