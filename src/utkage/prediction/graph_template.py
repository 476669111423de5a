"""Weights files in ONNX Runtime, without torch: a graph from the package, tensors from the file.

Importing torch takes longer than predicting a photograph. The package therefore contains *graph
templates*: graphs from chips to predictions in which every trained tensor has a name but no value.
The choices of the card (point estimate, temperatures) are named tensors as well, so a template
depends on the architecture alone. It has some 50 kB and serves the shipped weights and every
training of its backbone. ``exporting.graph_template`` writes the templates.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import WeightsError
from utkage.models.card import POINT_ESTIMATES, Card
from utkage.models.export_metadata import open_session
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.onnx_predictor import OnnxPredictor, session_options

TEMPLATES = "graphs"
# Prefix of the network in the names of tensors.
PREFIX = "network."


def template_name(card: Card, flip: bool) -> str:
    """File name of the template for a card, such as ``mobilenet_v1.softmax.flip.onnx``."""
    return ".".join([card.backbone, card.age_head, *(["flip"] if flip else []), "onnx"])


def find_template(card: Card, flip: bool) -> Path | None:
    """The template in the installed package, or None if the system or backbone has none."""
    if card.system != "multitask":
        return None
    path = Path(str(files("utkage") / "shipped" / TEMPLATES / template_name(card, flip)))
    return path if path.is_file() else None


def card_tensors(card: Card) -> dict[str, NDArray[np.float32]]:
    """The choices of a card, as the tensors that a template names.

    ``estimate``, (3,), is 1 at the card's point estimate among ``POINT_ESTIMATES``, else 0.
    ``range_temperature`` and ``gender_temperature``, (1,), are 1 without a calibration.
    """
    calibration = card.calibration
    chosen = [float(name == card.point_estimate) for name in POINT_ESTIMATES]
    tensors = {
        "estimate": chosen,
        "range_temperature": [calibration.range_temperature if calibration else 1.0],
        "gender_temperature": [calibration.gender_temperature if calibration else 1.0],
    }
    return {name: np.array(values, dtype=np.float32) for name, values in tensors.items()}


def open_with_template(template: Path, weights: LoadedWeights, threads: int = 0) -> OnnxPredictor:
    """Run a weights file through a template.

    Args:
        template: From ``find_template`` for the card of ``weights``.
        weights: A utkage safetensors file.
        threads: Number of threads; 0 lets ONNX Runtime choose.

    Raises:
        WeightsError: the file is damaged, or its tensors do not fit the template.
    """
    import onnxruntime

    card = weights.card
    trained = {PREFIX + name: array for name, array in weights.arrays.items()}
    arrays = {**trained, **card_tensors(card)}
    options = session_options(threads)
    options.add_external_initializers(
        list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in arrays.values()]
    )
    try:
        session = open_session(template.read_bytes(), options, template)
    except WeightsError as error:
        raise WeightsError(f"{weights.path}: tensors do not fit {card.backbone}") from error
    return OnnxPredictor(session, card, list(arrays.values()))
