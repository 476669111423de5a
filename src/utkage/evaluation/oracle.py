"""The error of an age estimator that is fed the true age range: a number to warn of."""

from __future__ import annotations

from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.evaluation.age_errors import mean_absolute_error
from utkage.prediction.chip_predictor import BATCH, TorchPredictor

ORACLE_LABEL = (
    "With the true range fed in, an estimator can only err inside the range: answering its median "
    "without looking at the picture does as well, so such a number (the much quoted 3.05 years is "
    "one) carries no information."
)


def oracle_error(predictor: TorchPredictor, faces: LabelledChips, reporter: Reporter) -> float:
    """MAE in years with each face's true range fed in; ``predictor.feeds_ranges`` must hold."""
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
