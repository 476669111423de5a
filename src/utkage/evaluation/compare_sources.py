"""The predictor to evaluate beside others, on the same faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from utkage.core.errors import DataError
from utkage.core.reporter import Reporter
from utkage.evaluation.age_checks.challenge import PassRule, challenge_axes
from utkage.evaluation.age_checks.challenge_comparison import compare_challenges
from utkage.evaluation.comparison.paired_metrics import Comparison, compare_predictions, paired
from utkage.evaluation.comparison.side_by_side import SideBySide, side_by_side
from utkage.evaluation.guards import guard_predictions, guard_training_images
from utkage.evaluation.inputs.labelled_faces import LabelledFaces
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    AGE_RANGE,
    LabelledPredictions,
    labelled_numbers,
)
from utkage.evaluation.inputs.prediction_sources import PredictionSource
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.request import EvaluateRequest


@dataclass(frozen=True)
class ComparedSources:
    """The first predictor beside the others.

    Attributes:
        side_by_side: The main metrics of all of them on each source; None if there are no others.
        pairs: The first and each of the others, on the faces that both predict.
    """

    side_by_side: SideBySide | None
    pairs: tuple[Comparison, ...]


def compare_sources(
    first: tuple[PredictionSource, LabelledPredictions],
    others: Sequence[PredictionSource],
    labelled: LabelledFaces,
    request: EvaluateRequest,
    rules: Sequence[PassRule],
    reporter: Reporter,
) -> ComparedSources:
    """Compare a predictor with others.

    Args:
        first: The predictor, and its predictions.
        others: The others, which predict now.
        labelled: The faces.
        request: What to measure.
        rules: The challenge ages and levels to compare, if that is requested.
        reporter: Receives warnings and progress.

    Raises:
        DataError: the guards refuse a predictor, or it has no face or metric in common with the
            first.
    """
    if not others:
        return ComparedSources(None, ())
    found = [(other, _predictions(other, labelled, request, reporter)) for other in others]
    nothing = np.full(len(labelled.chips), np.nan)
    return ComparedSources(
        side_by_side(
            labelled_numbers(labelled.chips, nothing, nothing),
            [(source.label, faces) for source, faces in (first, *found)],
            request.resamples,
            request.seed,
        ),
        tuple(_comparison(first, pair, request, rules, reporter) for pair in found),
    )


def _predictions(
    other: PredictionSource, labelled: LabelledFaces, request: EvaluateRequest, reporter: Reporter
) -> LabelledPredictions:
    """The predictions of a source that is compared, if the guards accept it."""
    training_images = guard_training_images(other, labelled, request, reporter)
    theirs = other.predict(labelled.chips, reporter)
    guard_predictions(
        theirs,
        str(other.path),
        allow=request.allow_suspicious,
        reporter=reporter,
        memorised=bool(training_images),
    )
    return theirs


def _comparison(
    first_pair: tuple[PredictionSource, LabelledPredictions],
    second_pair: tuple[PredictionSource, LabelledPredictions],
    request: EvaluateRequest,
    rules: Sequence[PassRule],
    reporter: Reporter,
) -> Comparison:
    """Compare two sources on the faces that both predict."""
    (source, faces), (other, theirs) = first_pair, second_pair
    our_rows, their_rows = (
        {key: row for row, key in enumerate(zip(each.sources, each.names, strict=True))}
        for each in (faces, theirs)
    )
    common = [key for key in our_rows if key in their_rows]
    if not common:
        raise DataError(f"{other.path} and {source.path} have predictions for no face in common")
    first = faces.take(np.array([our_rows[key] for key in common]))
    second = theirs.take(np.array([their_rows[key] for key in common]))
    bootstrap = Bootstrap.draw(first.groups, request.resamples, request.seed)
    found = compare_predictions((source.label, other.label), first, second, bootstrap)
    if not found.differences:
        raise DataError(
            f"{other.path} and {source.path} have no metric in common: one "
            "predicts ages, the other genders"
        )
    if not request.challenge or request.threshold is None:
        return found
    first, second = paired(first, second)
    if not first.with_label(AGE) and not first.with_label(AGE_RANGE):
        reporter.warn(f"{other.path}: no estimated ages, so none for the challenge ages")
        return found
    challenge = compare_challenges(
        (source.label, other.label),
        first,
        second,
        request.threshold,
        rules,
        bootstrap,
        youngest=request.youngest_minor,
        axes=challenge_axes(first, request.group_by),
    )
    return replace(found, challenge=challenge)
