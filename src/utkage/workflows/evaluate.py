"""``evaluate``: how good weights are on labelled faces they have not seen."""

from __future__ import annotations

import csv
import io
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, DataError
from utkage.core.files import require_folder, write_json, write_text
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.data.chips import SEEN_TOLERANCE, LabelledChips, labelled_chips
from utkage.data.ingest import Dropped, Ingested, Ingestion
from utkage.data.labels import GENDERS, RANGE_NAMES
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source
from utkage.data.split import SPLITS
from utkage.data.store import DEFAULT_FOLDER, ChipStore, is_prepared
from utkage.data.workers import ingest
from utkage.faces.contract import CropContract
from utkage.faces.retinaface import RetinaFaceDetector
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.engines.evaluation.metrics import Metrics
    from utkage.engines.inference.predictions import Predictions

SCHEMA = 1
DEFAULT_REPORT = Path("evaluation")
# Share of the chip by which landmarks may differ: other roundings, not another crop.
GEOMETRY_TOLERANCE = 0.01
PREDICTION_COLUMNS = (
    "source",
    "file",
    "age",
    "gender",
    "race",
    "predicted_age",
    "age_low",
    "age_high",
    "range",
    "predicted_range",
    "p_female",
)


@dataclass(frozen=True)
class EvaluateRequest:
    """What to score, on what.

    Attributes:
        data: A prepared set, or a folder or archive of labelled chips.
        split: Which split of a prepared set; ignored for other data.
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``--device``.
        flip: Average each answer with that for the mirrored chip.
        source: Only the faces of this source of a prepared set; None: all.
        allow_seen: Score pictures that the weights learned from, instead of refusing.
        options: How a plain folder or archive is read: labels, alignment, limits.
        out: Folder for ``metrics.json``, ``predictions.csv`` and plots.
        plot_cm: Draw the confusion matrix of the age ranges.
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

    def __post_init__(self) -> None:
        if self.split not in (*SPLITS, "all"):
            raise ConfigError(f"--split {self.split}: choose one of {', '.join(SPLITS)}, all")


@dataclass(frozen=True)
class EvaluateResult:
    """What was found.

    Attributes:
        metrics: The figures.
        sources: The figures by source, if there are several.
        oracle_mae: MAE with the true range fed to the age estimator, years; None for weights that
            have no such estimator. It says nothing of what users get.
        confusion: Counts, (9, 9): rows are true ranges, columns predicted ones.
        weights: The weights file.
        weights_origin: How it was chosen.
        data: Where the faces came from.
        split: The split, or None for a plain folder.
        seen: How many of the faces these weights learned from.
        dropped: Pictures that could not be used.
        seconds: Time for the answers.
        files: What was written, by kind.
    """

    metrics: Metrics
    sources: dict[str, Metrics]
    oracle_mae: float | None
    confusion: NDArray[np.int64]
    weights: Path
    weights_origin: str
    data: Path
    split: str | None
    seen: int
    dropped: tuple[Dropped, ...]
    seconds: float
    files: dict[str, Path]

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``evaluate --json`` and ``metrics.json``."""
        return {
            "schema": SCHEMA,
            **self.metrics.to_dict(),
            "oracle_mae": None if self.oracle_mae is None else round(self.oracle_mae, 4),
            "sources": {name: metrics.to_dict() for name, metrics in self.sources.items()},
            "n_seen_in_training": self.seen,
            "n_dropped": len(self.dropped),
            "data": str(self.data),
            "split": self.split,
            "weights": str(self.weights),
            "range_names": list(RANGE_NAMES),
            "range_confusion": self.confusion.tolist(),
            "seconds": round(self.seconds, 2),
            "versions": versions(),
        }


def evaluate(request: EvaluateRequest, reporter: Reporter | None = None) -> EvaluateResult:
    """Score weights and write the figures, every prediction and, if wanted, the plot.

    Raises:
        UsageError: no data, no such split, unknown weights or device.
        DataError: no usable labelled face, or faces that the weights learned from.
        WeightsError: the weights are not ours.
    """
    from sklearn.metrics import confusion_matrix

    from utkage.engines.evaluation.metrics import score, score_sources
    from utkage.engines.evaluation.oracle import oracle_error
    from utkage.engines.inference.loading import load_predictor
    from utkage.engines.inference.predictor import TorchPredictor, predict_faces
    from utkage.models.weights import read_fingerprints

    reporter = reporter or SilentReporter()
    require_folder(request.out, "--out")
    weights, origin = resolve_weights(request.weights)
    reporter.info(f"weights {weights} ({origin})")
    predictor = load_predictor(weights, device=request.device, flip=request.flip)
    faces, split, dropped = _labelled_faces(request, predictor.card.contract, reporter)
    seen = _count_seen(faces, read_fingerprints(weights))
    _guard_seen(seen, len(faces), request, reporter)
    started = time.monotonic()
    predictions = predict_faces(predictor, faces, reporter, "evaluating")
    seconds = time.monotonic() - started
    confusion = confusion_matrix(
        faces.ranges, predictions.range_index, labels=range(len(RANGE_NAMES))
    )
    files = {
        "metrics": request.out / "metrics.json",
        "predictions": request.out / "predictions.csv",
    }
    if request.plot_cm:
        files["confusion_matrix"] = request.out / "confusion_matrix.png"
    result = EvaluateResult(
        metrics=score(faces.ages, faces.genders, predictions),
        sources=score_sources(faces, predictions),
        oracle_mae=(
            oracle_error(predictor, faces, reporter)
            if isinstance(predictor, TorchPredictor) and predictor.feeds_ranges
            else None
        ),
        confusion=confusion,
        weights=weights,
        weights_origin=origin,
        data=request.data,
        split=split,
        seen=seen,
        dropped=dropped,
        seconds=seconds,
        files=files,
    )
    write_json(files["metrics"], result.to_dict())
    write_text(files["predictions"], _predictions_csv(faces, predictions))
    if request.plot_cm:
        from utkage.plots.confusion import plot_confusion

        plot_confusion(faces.ranges, predictions.range_index, files["confusion_matrix"])
    return result


def _labelled_faces(
    request: EvaluateRequest, contract: CropContract, reporter: Reporter
) -> tuple[LabelledChips, str | None, tuple[Dropped, ...]]:
    if is_prepared(request.data) or (request.data == DEFAULT_FOLDER and not request.data.exists()):
        store = ChipStore.open(request.data)
        _require_geometry(store, contract)
        return store.split(request.split, request.source), request.split, ()
    source = open_source(request.data, request.options)
    ingestion = Ingestion(
        contract, RetinaFaceDetector, os.cpu_count() or 1, request.options.limits.max_pixels
    )
    found: list[Ingested] = []
    dropped: list[Dropped] = []
    with reporter.progress(f"reading {request.data}", source.total_bytes) as task:
        consumed = 0

        def advance(position: int) -> None:
            nonlocal consumed
            task.advance(position - consumed, f"{len(found)} faces")
            consumed = position

        for item in ingest(source, source.name, ingestion, advance):
            if isinstance(item, Ingested):
                found.append(item)
            else:
                dropped.append(item)
    if not found:
        detail = f" (first: {dropped[0].name}: {dropped[0].reason})" if dropped else ""
        raise DataError(
            f"{request.data}: no usable labelled face{detail}; names must read "
            "<age>_<gender>_<race>_<date>.jpg, or labels must come in a manifest"
        )
    if dropped:
        reporter.warn(
            f"{len(dropped)} pictures left out (first: {dropped[0].name}: {dropped[0].reason})"
        )
    _warn_of_copies(found, reporter)
    chips = labelled_chips(
        np.stack([item.chip for item in found]),
        range(len(found)),
        [item.record for item in found],
        contract,
    )
    return chips, None, tuple(dropped)


def _require_geometry(store: ChipStore, contract: CropContract) -> None:
    """Refuse chips that are cut otherwise than those the weights learned from."""
    ours = np.array(store.contract.at_size(contract.size).template)
    apart = float(np.abs(ours - np.array(contract.template)).max())
    if apart > GEOMETRY_TOLERANCE * contract.size:
        raise DataError(
            f"{store.folder}: its chips are cut otherwise than those of the weights (landmarks up "
            f"to {apart:.1f} pixels apart); prepare it with this version"
        )


def _warn_of_copies(found: list[Ingested], reporter: Reporter) -> None:
    copies = len(found) - len({item.record.pixel_hash for item in found})
    if copies:
        reporter.warn(
            f"{copies} pictures are copies of others here and count again; "
            "a prepared set has each once"
        )


def _guard_seen(seen: int, count: int, request: EvaluateRequest, reporter: Reporter) -> None:
    if not seen:
        return
    words = f"these weights learned from {seen} of the {count} pictures"
    if seen > SEEN_TOLERANCE * count and not request.allow_seen:
        raise DataError(
            f"{request.data}: {words}, so the figures would flatter them; score others, "
            "or use --allow-seen"
        )
    reporter.warn(f"{words}: the figures flatter them")


def _count_seen(faces: LabelledChips, learned: NDArray[np.int32]) -> int:
    return int(np.isin(faces.fingerprints(), learned).sum())


def _predictions_csv(faces: LabelledChips, predictions: Predictions) -> str:
    from utkage.engines.evaluation.metrics import INTERVAL_LEVEL

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(PREDICTION_COLUMNS)
    low, high = predictions.age_interval(INTERVAL_LEVEL)
    for index, name in enumerate(faces.names):
        writer.writerow(
            [
                faces.sources[index],
                name,
                faces.ages[index],
                GENDERS[faces.genders[index]],
                faces.races[index] if faces.races[index] >= 0 else "",
                f"{predictions.age[index]:.2f}",
                f"{low[index]:.2f}",
                f"{high[index]:.2f}",
                RANGE_NAMES[faces.ranges[index]],
                RANGE_NAMES[predictions.range_index[index]],
                f"{predictions.p_female[index]:.4f}",
            ]
        )
    return buffer.getvalue()
