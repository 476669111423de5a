"""Turn the best weights of a run into the shipped ones: float16, calibrated, measured.

The stored file is calibrated and measured after rounding: calibrated on the validation split of
the prepared set that it was trained on, measured there and on the test split.
"""

from __future__ import annotations

import datetime
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.documents import ROOT
from utkage.core.errors import DataError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.calibration.calibrate import fit_weights, with_age_prior
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.inputs.labelled_faces import FaceSelection, labelled_faces
from utkage.evaluation.metrics.scores import score_sources
from utkage.evaluation.request import EvaluateRequest
from utkage.exporting.graph_template import write_templates
from utkage.models.calibration import Calibration
from utkage.models.card import RESEARCH_TERMS, Card
from utkage.models.locate import SHIPPED_NAME
from utkage.models.weights import GENDER_BIAS, Weights, rewrite_card, save_weights
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
    card = replace(
        weights.card,
        limits=LIMITS,
        terms=RESEARCH_TERMS,
        metrics={
            f"best epoch ({split})": found
            for split, found in weights.card.metrics.items()
            if split == "val"
        },
    )
    save_weights(out, Weights(card, weights.state, weights.fingerprints), half=True)


@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """How stored weights are calibrated.

    Attributes:
        point_estimate: The point estimate that the card names from now on; None leaves it.
        mirrored_view: Likewise what flip averaging shows of the mirrored chip.
        age_prior: Share of the age prior fitted to the validation split that is added, 0..1.
        gender_shift: Added to the logit of P(female): weights whose errors elsewhere are mostly
            women taken for men need a number above 0.
        left_out: JSON file with conformal levels of sources that weights of the same recipe were
            not trained on; None: the levels of the validation split serve as they are.
    """

    point_estimate: str | None = None
    mirrored_view: str | None = None
    age_prior: float = 0.0
    gender_shift: float = 0.0
    left_out: Path | None = None


def measure(out: Path, data: Path, settings: MeasureSettings) -> None:
    """Calibrate and measure a stored file, and write both into its card.

    Raises:
        DataError: the prepared set is not the one that the weights were trained on, or the file
            is too large.
    """
    weights, store = load_weights(out), ChipStore.open(data)
    require_split(weights.card, store, out)
    chosen = {
        name: value
        for name in ("point_estimate", "mirrored_view")
        if (value := getattr(settings, name)) is not None
    }
    weights = replace(weights, card=replace(weights.card, **chosen))
    # With flip averaging, since predict uses it.
    faces = labelled_faces(
        FaceSelection(data=data, split="val"), weights.card.contract, SilentReporter()
    )
    vectors: dict[str, NDArray[np.float32]] = {}
    if settings.age_prior:
        weights, vectors = with_age_prior(
            weights, faces, str(out), device="cpu", share=settings.age_prior
        )
    if settings.gender_shift:
        weights, shifted = with_gender_shift(weights, settings.gender_shift)
        vectors |= shifted
    calibration = fit_weights(weights, faces, str(out), device="cpu")
    if settings.left_out is not None:
        calibration = widened(calibration, settings.left_out)
    card = replace(weights.card, calibration=calibration, limits=LIMITS)
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


def with_gender_shift(
    weights: Weights, shift: float
) -> tuple[Weights, dict[str, NDArray[np.float32]]]:
    """Weights with ``shift`` added to the logit of P(female), and the changed tensor by name."""
    bias = weights.state[GENDER_BIAS] + shift
    card = weights.card
    card = replace(card, lineage=(*card.lineage, f"{shift:g} added to the logit of P(female)"))
    state = {**weights.state, GENDER_BIAS: bias}
    return replace(weights, card=card, state=state), {GENDER_BIAS: bias.numpy()}


def widened(calibration: Calibration, left_out: Path) -> Calibration:
    """A calibration whose intervals also suit photographs from elsewhere.

    Levels that hold on faces like the training images are too low for other sources, and levels of
    sources that were left out of the training are too high for known ones. The result lies half way
    between the two where that is wider.

    Args:
        calibration: Fitted to the validation split.
        left_out: JSON file with the levels of each left-out source, for the same bands.
    """
    found = json.loads(left_out.read_text(encoding="utf-8"))
    if (found["bands"], found["levels"]) != (
        [band.first for band in calibration.bands],
        list(calibration.levels),
    ):
        raise DataError(f"{left_out}: has other bands or levels than the calibration")
    elsewhere = np.max([source["requested"] for source in found["left_out"].values()], axis=0)
    bands = []
    for band, levels in zip(calibration.bands, elsewhere, strict=True):
        own = np.array(band.requested)
        wider = np.maximum.accumulate(np.maximum(own, (own + levels) / 2))
        bands.append(replace(band, requested=tuple(float(level) for level in wider)))
    note = "levels half way to those of left-out sources"
    return replace(
        calibration, bands=tuple(bands), fitted_on={**calibration.fitted_on, "levels": note}
    )


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
