"""``evaluate``: how accurate predictions are on labelled faces outside the training images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import resolve_device
from utkage.core.errors import UsageError
from utkage.core.memory_errors import explaining_memory_errors
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.text import counted
from utkage.data.chips import LabelledChips
from utkage.data.labels import RANGE_NAMES
from utkage.evaluation.age_checks.challenge import (
    ChallengeReport,
    PassRule,
    challenge_axes,
    challenge_report,
)
from utkage.evaluation.age_checks.guarantee_report import (
    GuaranteeReport,
    guarantee_report,
    require_minors,
)
from utkage.evaluation.age_checks.guaranteed_demand import ESTIMATED_AGE, PROBABILITY
from utkage.evaluation.age_checks.thresholds import BAND_DEMAND, ThresholdCurve, threshold_curve
from utkage.evaluation.compare_sources import compare_sources
from utkage.evaluation.groups.axes import chosen_axes, require_axes
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.groups.persons import (
    Persons,
    find_persons,
    grouped_by_person,
    person_report,
)
from utkage.evaluation.groups.picture_quality import spelled_out, with_quality
from utkage.evaluation.guards import guard_predictions, guard_training_images, oracle_error
from utkage.evaluation.inputs.labelled_faces import (
    LabelledFaces,
    labelled_faces,
    without_seen,
)
from utkage.evaluation.inputs.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.inputs.prediction_sources import PredictionSource, open_prediction_source
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.scores import score_predictions, score_predictions_by_source
from utkage.evaluation.reports.report_outputs import holding_report
from utkage.evaluation.reports.result_files import write_files
from utkage.evaluation.request import EvaluateRequest
from utkage.evaluation.result import EvaluateResult
from utkage.evaluation.robustness.corruption_errors import RobustnessReport, robustness_report


@explaining_memory_errors("evaluate fewer faces (`source`), or lower `resamples`")
def evaluate(request: EvaluateRequest, reporter: Reporter | None = None) -> EvaluateResult:
    """Score predictions and write the metrics, every prediction and, if requested, a report.

    Raises:
        UsageError: no data, no such split, unknown weights or device, or an output folder whose
            files must stay or that another process is writing.
        DataError: no usable labelled face, training images of the weights, or predictions that
            the guards refuse.
        WeightsError: not a weights file of utkage.
    """
    with holding_report(
        request.out,
        [*map(Path, (request.weights, *request.compare)), *request.input_paths],
        plot_cm=request.plot_cm,
        report=request.report,
        overwrite=request.overwrite,
    ):
        return _evaluate(request, reporter or SilentReporter())


def _evaluate(request: EvaluateRequest, reporter: Reporter) -> EvaluateResult:
    source, *others = _open_sources(request, reporter)
    request, labelled, persons = _faces_to_score(request, source, others, reporter)
    training_images = guard_training_images(source, labelled, request, reporter)
    faces, seconds = _timed_predictions(source, labelled.chips, reporter)
    warnings = guard_predictions(
        faces,
        str(source.path),
        allow=request.allow_suspicious,
        reporter=reporter,
        memorised=bool(training_images),
    )
    reporter.info(f"computing metrics and intervals of {counted(len(faces), 'face')}")
    bootstrap = Bootstrap.draw(faces.groups, request.resamples, request.seed)
    guarantee = _guarantee(faces, request)
    rules = _pass_rules(request, guarantee)
    compared = compare_sources((source, faces), others, labelled, request, rules, reporter)
    result = EvaluateResult(
        metrics=score_predictions(faces),
        sources=score_predictions_by_source(faces),
        populations=populations(faces, bootstrap),
        persons=None if persons is None else person_report(faces, persons, bootstrap),
        groups=group_report(faces, bootstrap, chosen_axes(faces, request.group_by, "group_by")),
        threshold=_threshold(faces, request),
        guarantee=guarantee,
        challenge=_challenge(faces, request, rules),
        side_by_side=compared.side_by_side,
        comparisons=compared.pairs,
        stress=_robustness(source, labelled, request, reporter),
        oracle_mae=oracle_error(source.predictor, labelled.chips, reporter),
        confusion=_range_confusion(faces),
        card=source.card,
        weights=source.path,
        weights_origin=source.weights.origin,
        data=request.data,
        further_data=request.further_data,
        split=labelled.split,
        split_hash=labelled.split_hash,
        training_images=training_images,
        misses=labelled.misses,
        unpredicted=len(labelled.chips) - len(faces),
        skipped_seen=labelled.skipped_seen,
        warnings=warnings,
        dropped=labelled.dropped,
        seconds=seconds,
        command=request.command,
        files={},
    )
    if request.report:
        reporter.info("drawing the report")
    return write_files(
        result,
        faces,
        labelled,
        request.out,
        plot_cm=request.plot_cm,
        report=request.report,
        csv_safe=request.csv_safe,
    )


def _faces_to_score(
    request: EvaluateRequest,
    source: PredictionSource,
    others: Sequence[PredictionSource],
    reporter: Reporter,
) -> tuple[EvaluateRequest, LabelledFaces, Persons | None]:
    """The request with its axes spelled out, the faces, and who is on them, if it asks for that."""
    labelled = _labelled_faces(request, source, others, reporter)
    choices = (*request.group_by, *request.guarantee_by)
    labelled = replace(labelled, chips=with_quality(labelled.chips, choices))
    request = replace(
        request,
        group_by=spelled_out(request.group_by, labelled.chips),
        guarantee_by=spelled_out(request.guarantee_by, labelled.chips),
    )
    _require_groups(labelled.chips, request)
    if request.person_column is None:
        return request, labelled, None
    persons = find_persons(labelled.chips, request.person_column)
    return request, replace(labelled, chips=grouped_by_person(labelled.chips, persons)), persons


def _timed_predictions(
    source: PredictionSource, chips: LabelledChips, reporter: Reporter
) -> tuple[LabelledPredictions, float]:
    """The predictions, and how long they took, seconds."""
    started = time.monotonic()
    faces = source.predict(chips, reporter)
    seconds = time.monotonic() - started
    if unpredicted := len(chips) - len(faces):
        reporter.warn(f"{source.path}: {counted(unpredicted, 'face')} without a prediction skipped")
    return faces, seconds


def _require_groups(chips: LabelledChips, request: EvaluateRequest) -> None:
    """Refuse groups and guarantees that the labels cannot give, before any prediction."""
    require_axes(chips, request.group_by, "group_by")
    if request.guarantee is not None:
        require_minors(chips.ages, chips.group_numbers, request.guarantee)
        require_axes(chips, request.guarantee_by, "guarantee_by")


def _labelled_faces(
    request: EvaluateRequest,
    source: PredictionSource,
    others: Sequence[PredictionSource],
    reporter: Reporter,
) -> LabelledFaces:
    """The faces to score, cropped for every source; with ``skip_seen`` none that one has seen."""
    # Each predictor takes its own part of the widest crop that one of them needs.
    contract = source.contract.as_wide_as(other.contract for other in others)
    labelled = labelled_faces(request, contract, reporter)
    known = [each.training_images for each in (source, *others)]
    seen = [images for images in known if images is not None]
    if request.skip_seen and seen:
        labelled = without_seen(labelled, np.concatenate(seen), reporter)
    return labelled


def _range_confusion(faces: LabelledPredictions) -> NDArray[np.int64]:
    """Counts of true (rows) and predicted age ranges, (9, 9)."""
    counts = np.zeros((len(RANGE_NAMES), len(RANGE_NAMES)), dtype=np.int64)
    known = faces.with_label(AGE)
    np.add.at(counts, (known.ranges, known.range_index), 1)
    return counts


def _threshold(faces: LabelledPredictions, request: EvaluateRequest) -> ThresholdCurve | None:
    """Error rates at the requested age, over the faces with an age in whole years.

    None without a request, or without P(age >= T).
    """
    if request.threshold is None or faces.probability_at_least(request.threshold) is None:
        return None
    known = faces.with_label(AGE)
    likely = known.probability_at_least(request.threshold)
    if likely is None or not len(known):
        # Those of challenge ages may be ranges.
        if request.challenge:
            return None
        raise UsageError("`threshold` needs ages in whole years; these labels have none")
    return threshold_curve(known.ages, likely, request.threshold, known.groups)


def _guarantee(faces: LabelledPredictions, request: EvaluateRequest) -> GuaranteeReport | None:
    """The demands that keep the promise of the request; None without one."""
    if request.guarantee is None:
        return None
    known = faces.with_label(AGE)
    return guarantee_report(
        known,
        request.guarantee,
        axes=chosen_axes(known, request.guarantee_by, "guarantee_by"),
        simulate=request.simulate,
    )


def _challenge(
    faces: LabelledPredictions, request: EvaluateRequest, rules: Sequence[PassRule]
) -> ChallengeReport | None:
    """Who passes at the challenge ages; None without a request."""
    if not request.challenge or request.threshold is None:
        return None
    return challenge_report(
        faces,
        request.threshold,
        rules,
        youngest=request.youngest_minor,
        axes=challenge_axes(faces, request.group_by),
    )


def _pass_rules(request: EvaluateRequest, guarantee: GuaranteeReport | None) -> list[PassRule]:
    """The challenge ages, then the levels of P(age >= T)."""
    rules = [PassRule(kind=ESTIMATED_AGE, demand=age) for age in sorted(set(request.challenge))]
    demands = sorted(set(request.demand))
    chosen = None if guarantee is None else guarantee.everyone.demand
    if guarantee is not None and chosen is not None and not demands:
        return [*rules, PassRule(kind=guarantee.kind, demand=chosen.demand)]
    return rules + [PassRule(kind=PROBABILITY, demand=share) for share in demands or (BAND_DEMAND,)]


def _robustness(
    source: PredictionSource, labelled: LabelledFaces, request: EvaluateRequest, reporter: Reporter
) -> RobustnessReport | None:
    """Errors on corrupted chips; None without a request, or for a table of predictions."""
    if not request.stress or source.predictor is None:
        return None
    return robustness_report(
        source.predictor,
        labelled.chips,
        reporter,
        sample=request.stress_faces,
        group_by=request.group_by,
        seed=request.seed,
    )


def _open_sources(request: EvaluateRequest, reporter: Reporter) -> list[PredictionSource]:
    """The source to evaluate, then those to compare it with.

    Raises:
        UsageError: they cannot measure what is requested.
    """
    device = resolve_device(request.device)
    choices = (request.weights, *request.compare)
    source, *others = [open_prediction_source(c, device, flip=request.flip) for c in choices]
    for other in others:
        if source.card and other.card and source.contract.width_ratio(other.contract) is None:
            raise UsageError(
                f"`compare` {other.path}: its faces are cropped differently from those of "
                f"{source.path}; evaluate each by itself"
            )
    _require_probabilities(source, request, reporter)
    if source.predictor is None and request.stress:
        raise UsageError("`stress` needs weights; a table cannot predict for corrupted chips")
    reporter.info(f"weights {source.path} ({source.weights.origin})")
    return [source, *others]


def _require_probabilities(
    source: PredictionSource, request: EvaluateRequest, reporter: Reporter
) -> None:
    """Refuse, or say, what a table without P(age >= T) cannot show."""
    age = request.threshold
    if source.predictor is not None or age is None or source.threshold == age:
        return
    missing = (
        f"{source.path}: has no P(age >= {age}), for which a table needs the columns threshold and "
        "p_at_least"
    )
    if request.challenge:
        reporter.warn(f"{missing}; only estimated ages are compared with the challenge ages")
    elif request.guarantee is None:
        raise UsageError(
            f"{missing}; `threshold` needs it, unless you combine it with `challenge` or "
            "`max_false_pass`"
        )
