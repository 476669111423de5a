"""Weights files in ONNX Runtime, without torch: a graph from the package, tensors from the file.

Importing torch takes longer than answering for a photograph. So the package holds *skeletons*:
graphs from chips to answers in which every learned tensor is only named. What the card chooses,
the point estimate and the temperatures, are tensors to them as well. So they depend on the
architecture alone (``exporting.graph_template`` writes them, ``python -m tools.release ship`` calls
it), weigh some 50 kB, and serve the shipped weights as well as every training of that backbone.
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
# The graph module holds the network under this name.
PREFIX = "network."


def template_name(card: Card, flip: bool) -> str:
    """File name of the template for a card, such as ``mobilenet_v1.softmax.flip.onnx``."""
    return ".".join([card.backbone, card.age_head, *(["flip"] if flip else []), "onnx"])


def find_template(card: Card, flip: bool) -> Path | None:
    """The template inside the installed package, or None for systems that have none."""
    if card.system != "multitask":
        return None
    path = Path(str(files("utkage") / "shipped" / TEMPLATES / template_name(card, flip)))
    return path if path.is_file() else None


def card_tensors(card: Card) -> dict[str, NDArray[np.float32]]:
    """What the card chooses, as the tensors that a template names.

    ``estimate``, (3,), is 1 at the card's place among ``POINT_ESTIMATES``, else 0.
    ``range_temperature`` and ``gender_temperature``, (1,), are 1 without a calibration.
    """
    found = card.calibration
    chosen = [float(name == card.point_estimate) for name in POINT_ESTIMATES]
    tensors = {
        "estimate": chosen,
        "range_temperature": [found.range_temperature if found else 1.0],
        "gender_temperature": [found.gender_temperature if found else 1.0],
    }
    return {name: np.array(values, dtype=np.float32) for name, values in tensors.items()}


def open_with_template(template: Path, weights: LoadedWeights, threads: int = 0) -> OnnxPredictor:
    """Run a weights file through a template.

    Args:
        template: From ``find_template`` for the card of ``weights``.
        weights: A utkage safetensors file.
        threads: Of the session; 0 lets ONNX Runtime choose.

    Raises:
        WeightsError: the file is damaged, or its tensors do not fit the template.
    """
    import onnxruntime

    card = weights.card
    learned = {PREFIX + name: array for name, array in weights.arrays.items()}
    arrays = {**learned, **card_tensors(card)}
    options = session_options(threads)
    options.add_external_initializers(
        list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in arrays.values()]
    )
    try:
        session = open_session(template.read_bytes(), options, template)
    except WeightsError as error:
        raise WeightsError(f"{weights.path}: tensors do not fit {card.backbone}") from error
    return OnnxPredictor(session, card, list(arrays.values()))
