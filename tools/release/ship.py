"""Turn the best weights of a run into the shipped ones: float16, calibrated, measured.

The stored file is calibrated and measured after rounding: calibrated on the validation split of
the prepared set that it was trained on, measured there and on the test split.
"""

from __future__ import annotations

import datetime
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.documents import ROOT
from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.calibrate import fit_weights, with_age_prior
from utkage.evaluation.evaluate import EvaluateRequest, evaluate
from utkage.evaluation.labelled_faces import FaceSelection, labelled_faces
from utkage.evaluation.metrics import score_sources
from utkage.exporting.graph_template import write_templates
from utkage.faces.contract import utkface_contract
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import SHIPPED_NAME
from utkage.models.weights import Weights, rewrite_card, save_weights
from utkage.models.weights_files import load_weights, read_card
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor
from utkage.prediction.onnx_predictor import TEMPLATES

SHIPPED = ROOT / "src" / "utkage" / "shipped" / SHIPPED_NAME
MAX_BYTES = 10_000_000
FLIPPED = " (flip averaging)"
GROUP_AXES = ("range", "gender", "race")

LIMITS = (
    "Ages are apparent ages as UTKFace labels them, partly by an algorithm; they are no proof of "
    "age. Errors differ by age range: see the groups.",
    "Gender means the two labels of the data; it is least reliable for infants and toddlers.",
    "Trained on aligned, mostly frontal faces; weak on profiles and covered faces.",
)


def store_half(best: Path, data: Path, out: Path) -> None:
    """Write the weights ``best`` as float16 to ``out``, with the limits and terms of shipped ones.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on.
    """
    weights = load_weights(best)
    require_split(weights.card, ChipStore.open(data), best)
    # The measured template may have been refined since the run; its pixels are the same.
    geometry = utkface_contract(weights.card.contract.size)
    card = replace(
        weights.card,
        contract=replace(weights.card.contract, template=geometry.template),
        limits=LIMITS,
        terms=RESEARCH_TERMS,
        metrics={"best epoch (val)": weights.card.metrics["val"]},
    )
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)


def measure(out: Path, data: Path, point_estimate: str | None, *, age_prior: bool) -> None:
    """Calibrate and measure a stored file, and write both into its card.

    The card names ``point_estimate`` from now on; None leaves it.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on, or the file
            is too large.
    """
    weights, store = load_weights(out), ChipStore.open(data)
    require_split(weights.card, store, out)
    if point_estimate:
        weights = replace(weights, card=replace(weights.card, point_estimate=point_estimate))
    # With flip averaging, since predict uses it.
    faces = labelled_faces(
        FaceSelection(data=data, split="val"), weights.card.contract, SilentReporter()
    )
    vectors: dict[str, NDArray[np.float32]] = {}
    if age_prior:
        weights, vectors = with_age_prior(weights, faces, str(out), device="cpu")
    card = replace(
        weights.card,
        calibration=fit_weights(weights, faces, str(out), device="cpu"),
        limits=LIMITS,
    )
    rewrite_card(out, card, out, vectors)
    for split in ("val", "test"):
        for flip in (False, True):
            for source, metrics in _measure(out, store, split, flip).items():
                name = f"{source} {split}{FLIPPED if flip else ''}"
                card = card.with_metrics(name, metrics)
                print(f"{name}: MAE {metrics['mae']:.3f}, gender {metrics['gender_accuracy']:.4f}")
    for source in store.split("test").source_names:
        name = f"{source} test{FLIPPED}"
        card = card.with_metrics(name, {**card.metrics[name], **_intervals(out, data, source)})
    rewrite_card(out, card, out)
    size = out.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{out}: {size} bytes is over the limit of {MAX_BYTES}")
    print(f"{out}: {size} bytes")


def write_graphs(weights: Path) -> None:
    """Write the graph templates for a weights file into the folder beside it."""
    for path in write_templates(read_card(weights), weights.parent / TEMPLATES):
        print(f"{path}: {path.stat().st_size} bytes")


def require_split(card: Card, store: ChipStore, origin: Path) -> None:
    """Refuse weights whose card names another split than ``store``; ``origin`` is their file.

    Raises:
        DataError: the splits differ.
    """
    if card.data["split_hash"] != store.split_hash:
        raise DataError(
            f"{store.folder}: is split differently from the set that {origin} was trained on"
        )


def _measure(path: Path, store: ChipStore, split: str, flip: bool) -> dict[str, dict[str, Any]]:
    """Metrics of the stored file by source."""
    faces = store.split(split)
    predictor = load_predictor(path, flip=flip)
    predictions = predict_faces(predictor, faces, SilentReporter(), split)
    today = datetime.date.today().isoformat()
    return {
        source: {"measured": today, **metrics.to_dict()}
        for source, metrics in score_sources(faces, predictions).items()
    }


def _intervals(path: Path, data: Path, source: str) -> dict[str, Any]:
    """Every metric with its interval on the test faces of a source, and for groups of them."""
    with tempfile.TemporaryDirectory() as folder:
        request = EvaluateRequest(
            data=data, source=source, weights=str(path), device="cpu", out=Path(folder)
        )
        result = evaluate(request)
    return {
        "figures": {
            found.name: {"words": found.label, **found.to_dict()} for found in result.populations
        },
        "groups": [group.to_dict() for axis in GROUP_AXES for group in result.groups.of_axis(axis)],
    }
