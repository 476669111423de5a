"""``evaluate``: how good answers are on labelled faces that were not learned from."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.files import require_folder
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.data.labels import RANGE_NAMES
from utkage.data.records import Dropped
from utkage.data.sources.options import SourceOptions
from utkage.data.split import SPLITS
from utkage.data.store import DEFAULT_FOLDER
from utkage.evaluation.guards import guard_predictions
from utkage.evaluation.labelled_faces import (
    FaceSelection,
    LabelledFaces,
    guard_leakage,
    labelled_faces,
)
from utkage.evaluation.prediction_sources import (
    PredictionSource,
    open_prediction_source,
    require_one_crop,
)
from utkage.evaluation.result_files import write_files

if TYPE_CHECKING:
    from utkage.evaluation.bootstrap import Bootstrap
    from utkage.evaluation.comparison import Comparison
    from utkage.evaluation.groups import GroupReport
    from utkage.evaluation.labelled_predictions import LabelledPredictions
    from utkage.evaluation.metrics import Metrics
    from utkage.evaluation.populations import Population
    from utkage.evaluation.robustness import RobustnessReport
    from utkage.evaluation.thresholds import ThresholdCurve
    from utkage.models.card import Card

# 2: a label counts as inside its interval where low <= age <= high; intervals, groups,
# thresholds and comparisons.
SCHEMA = 2
DEFAULT_REPORT = Path("evaluation")


@dataclass(frozen=True)
class EvaluateRequest:
    """What to score, on what.

    Attributes:
        data: A prepared set, or a folder or archive of labelled chips or photographs.
        split: Which split of a prepared set; ignored for other data.
        weights: As in ``open_prediction_source``: weights, an exported ONNX file, or a CSV of
            another program's predictions.
        device: As in ``--device``.
        flip: Average each answer with that for the mirrored chip.
        source: Only the faces of this source of a prepared set; None: all.
        allow_seen: Score pictures that the weights learned from, instead of refusing.
        options: How a plain folder or archive is read: labels, alignment, limits.
        out: Folder for ``metrics.json``, ``predictions.csv`` and plots.
        plot_cm: Draw the confusion matrix of the age ranges.
        report: Draw every picture and write the page, the model card and, with pyarrow,
            ``predictions.parquet``.
        compare: Other weights, exported files or tables, scored on the same faces.
        threshold: Measure what passing or failing at this age costs; None: do not.
        stress: Measure errors on disturbed chips of a sample.
        allow_crop: Score chips that are cut otherwise than those of the weights.
        allow_suspicious: Score answers that contradict their labels in a telling way.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        command: The command line, for the report.
    """

    data: Path = DEFAULT_FOLDER
    split: str = "test"
    weights: str = "auto"
    device: str = "auto"
    flip: bool = True
    source: str | None = None
    allow_seen: bool = False
    options: SourceOptions = field(default_factory=SourceOptions)
    out: Path = DEFAULT_REPORT
    plot_cm: bool = False
    report: bool = False
    compare: tuple[str, ...] = ()
    threshold: int | None = None
    stress: bool = False
    allow_crop: bool = False
    allow_suspicious: bool = False
    resamples: int = 2000
    seed: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        if self.split not in (*SPLITS, "all"):
            raise ConfigError(f"`split` {self.split}: choose one of {', '.join(SPLITS)}, all")
        if self.threshold is not None and not 1 <= self.threshold <= 116:
            raise ConfigError(f"`threshold` {self.threshold}: an age of 1 to 116")
        if self.resamples < 100:
            raise ConfigError(f"{self.resamples} resamples are too few; use at least 100")

    @property
    def choice(self) -> FaceSelection:
        """Which faces are scored."""
        return FaceSelection(
            self.data, self.split, self.source, self.allow_seen, self.options, self.allow_crop
        )


@dataclass(frozen=True)
class EvaluateResult:
    """What was found.

    Attributes:
        metrics: The figures.
        sources: The figures by source, if there are several.
        populations: Every figure with its interval: all ages, 16 and older, 21-60.
        groups: The figures by group, and gaps between groups.
        threshold: What passing or failing at an age costs, if it was asked.
        comparisons: With others on the same faces.
        stress: Errors on disturbed chips, if it was asked.
        oracle_mae: MAE with the true range fed to the age estimator, years; None for weights that
            have no such estimator. It says nothing of what users get.
        confusion: Counts, (9, 9): rows are true ranges, columns predicted ones.
        card: Of the weights; None for a table.
        weights: The weights file.
        weights_origin: How it was chosen.
        data: Where the faces came from.
        split: The split, or None for a plain folder.
        split_hash: Identifies a prepared set.
        seen: How many of the faces these weights learned from; None where the file does not say.
        misses: Photographs in which no face was found.
        unanswered: Faces that a table has no answer for.
        noticed: Guards that were told to let pass.
        dropped: Pictures that could not be used, misses among them.
        seconds: Time for the answers.
        command: The command line.
        files: What was written, by kind.
    """

    metrics: Metrics
    sources: dict[str, Metrics]
    populations: tuple[Population, ...]
    groups: GroupReport
    threshold: ThresholdCurve | None
    comparisons: tuple[Comparison, ...]
    stress: RobustnessReport | None
    oracle_mae: float | None
    confusion: NDArray[np.int64]
    card: Card | None
    weights: Path
    weights_origin: str
    data: Path
    split: str | None
    split_hash: str | None
    seen: int | None
    misses: int
    unanswered: int
    noticed: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    seconds: float
    command: str
    files: dict[str, Path]

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``evaluate --json`` and ``metrics.json``."""
        calibrated = self.card is not None and self.card.calibration is not None
        return {
            "schema": SCHEMA,
            **self.metrics.to_dict(),
            "oracle_mae": None if self.oracle_mae is None else round(self.oracle_mae, 4),
            "sources": {name: metrics.to_dict() for name, metrics in self.sources.items()},
            "n_seen_in_training": self.seen,
            "n_dropped": len(self.dropped),
            "n_no_face": self.misses,
            "n_unanswered": self.unanswered,
            "noticed": list(self.noticed),
            "data": str(self.data),
            "split": self.split,
            "split_hash": self.split_hash,
            "weights": str(self.weights),
            "calibrated": calibrated,
            "range_names": list(RANGE_NAMES),
            "range_confusion": self.confusion.tolist(),
            "populations": {found.name: found.to_dict() for found in self.populations},
            **self.groups.to_dict(),
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            "comparisons": [found.to_dict() for found in self.comparisons],
            "stress": None if self.stress is None else self.stress.to_dict(),
            "command": self.command,
            "seconds": round(self.seconds, 2),
            "versions": versions(),
        }


def evaluate(request: EvaluateRequest, reporter: Reporter | None = None) -> EvaluateResult:
    """Score answers and write the figures, every answer and, if wanted, pictures and a page.

    Raises:
        UsageError: no data, no such split, unknown weights or device.
        DataError: no usable labelled face, faces that the weights learned from, or answers that
            contradict their labels in a telling way.
        WeightsError: the weights are not ours.
    """
    from sklearn.metrics import confusion_matrix

    from utkage.evaluation.bootstrap import Bootstrap
    from utkage.evaluation.groups import group_report
    from utkage.evaluation.metrics import score_predictions, score_predictions_by_source
    from utkage.evaluation.populations import populations

    reporter = reporter or SilentReporter()
    require_folder(request.out, "out")
    prediction_source = open_prediction_source(request.weights, request.device, flip=request.flip)
    reporter.info(f"weights {prediction_source.path} ({prediction_source.origin})")
    others = [
        open_prediction_source(choice, request.device, flip=request.flip)
        for choice in request.compare
    ]
    require_one_crop(prediction_source, others)
    _require_predictor(prediction_source, request)
    labelled = labelled_faces(request.choice, prediction_source.contract, reporter)
    seen = _guard_seen(prediction_source, labelled, request, reporter)
    started = time.monotonic()
    faces = prediction_source.answer(labelled.chips, reporter)
    seconds = time.monotonic() - started
    unanswered = len(labelled.chips) - len(faces)
    if unanswered:
        reporter.warn(
            f"{prediction_source.path}: has no answer for {unanswered} faces; they do not count"
        )
    noticed = guard_predictions(
        faces, str(prediction_source.path), allow=request.allow_suspicious, reporter=reporter
    )
    bootstrap = Bootstrap.draw(faces.groups, request.resamples, request.seed)
    result = EvaluateResult(
        metrics=score_predictions(faces),
        sources=score_predictions_by_source(faces),
        populations=populations(faces, bootstrap),
        groups=group_report(faces, bootstrap),
        threshold=_threshold(request, faces, bootstrap),
        comparisons=tuple(
            _comparison(prediction_source, faces, other, labelled, request, reporter)
            for other in others
        ),
        stress=_stress(request, prediction_source, labelled, reporter),
        oracle_mae=_oracle(prediction_source, labelled, reporter),
        confusion=confusion_matrix(faces.ranges, faces.range_index, labels=range(len(RANGE_NAMES))),
        card=prediction_source.card,
        weights=prediction_source.path,
        weights_origin=prediction_source.origin,
        data=request.data,
        split=labelled.split,
        split_hash=labelled.split_hash,
        seen=seen,
        misses=labelled.misses,
        unanswered=unanswered,
        noticed=noticed,
        dropped=labelled.dropped,
        seconds=seconds,
        command=request.command,
        files={},
    )
    return write_files(
        result, faces, labelled, request.out, plot_cm=request.plot_cm, report=request.report
    )


def _require_predictor(prediction_source: PredictionSource, request: EvaluateRequest) -> None:
    """Refuse what a table cannot give, before any work is done."""
    if prediction_source.predictor is not None:
        return
    if request.threshold is not None:
        raise UsageError("`threshold` needs distributions of ages, which a table has not")
    if request.stress:
        raise UsageError("`stress` needs a predictor, which can be asked again; a table cannot")


def _guard_seen(
    prediction_source: PredictionSource,
    labelled: LabelledFaces,
    request: EvaluateRequest,
    reporter: Reporter,
) -> int | None:
    if prediction_source.learned is not None:
        name = str(prediction_source.path)
        return guard_leakage(
            labelled.chips, prediction_source.learned, request.choice, reporter, name
        )
    card = prediction_source.card
    same = card is not None and card.data.get("split_hash") == labelled.split_hash
    # The split that it was trained on tells which pictures were kept away.
    if same and labelled.split in ("val", "test"):
        return 0
    reporter.warn(f"{prediction_source.path}: does not say which pictures it learned from")
    return None


def _threshold(
    request: EvaluateRequest, faces: LabelledPredictions, bootstrap: Bootstrap
) -> ThresholdCurve | None:
    from utkage.evaluation.thresholds import threshold_curve

    if request.threshold is None or faces.predictions is None:
        return None
    return threshold_curve(faces.ages, faces.predictions, request.threshold, bootstrap)


def _stress(
    request: EvaluateRequest,
    prediction_source: PredictionSource,
    labelled: LabelledFaces,
    reporter: Reporter,
) -> RobustnessReport | None:
    from utkage.evaluation.robustness import robustness_report

    if not request.stress or prediction_source.predictor is None:
        return None
    return robustness_report(
        prediction_source.predictor, labelled.chips, reporter, seed=request.seed
    )


def _comparison(
    prediction_source: PredictionSource,
    faces: LabelledPredictions,
    other: PredictionSource,
    labelled: LabelledFaces,
    request: EvaluateRequest,
    reporter: Reporter,
) -> Comparison:
    """Compare on the faces that both answer for."""
    from utkage.evaluation.bootstrap import Bootstrap
    from utkage.evaluation.comparison import compare_predictions

    _guard_seen(other, labelled, request, reporter)
    theirs = other.answer(labelled.chips, reporter)
    guard_predictions(theirs, str(other.path), allow=request.allow_suspicious, reporter=reporter)
    ours_at, theirs_at = (
        {key: row for row, key in enumerate(zip(side.sources, side.names, strict=True))}
        for side in (faces, theirs)
    )
    common = [key for key in ours_at if key in theirs_at]
    if not common:
        raise DataError(f"{other.path} and {prediction_source.path} answer for no face in common")
    first = faces.take(np.array([ours_at[key] for key in common]))
    second = theirs.take(np.array([theirs_at[key] for key in common]))
    names = (_name(prediction_source.path), _name(other.path))
    bootstrap = Bootstrap.draw(first.groups, request.resamples, request.seed)
    return compare_predictions(names, first, second, bootstrap)


def _name(path: Path) -> str:
    """Enough of a path to tell weights apart: runs all have the same file names."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def _oracle(
    prediction_source: PredictionSource, labelled: LabelledFaces, reporter: Reporter
) -> float | None:
    from utkage.evaluation.oracle import oracle_error
    from utkage.prediction.chip_predictor import TorchPredictor

    predictor = prediction_source.predictor
    if not isinstance(predictor, TorchPredictor) or not predictor.feeds_ranges:
        return None
    return oracle_error(predictor, labelled.chips, reporter)
