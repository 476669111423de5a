"""Weights files in ONNX Runtime, without torch: a graph from the package, tensors from the file.

Importing torch takes longer than answering for a photograph. So the package holds *skeletons*:
graphs from chips to answers in which every learned tensor is only named. They depend on the
architecture alone (``engines.exporting.skeleton`` writes them, ``tools/ship_weights.py`` calls
it), weigh some 40 kB, and serve the shipped weights as well as every training of that backbone.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from utkage.core.errors import WeightsError
from utkage.engines.inference.onnx_predictor import OnnxPredictor, session_options
from utkage.models.card import Card
from utkage.models.onnx_metadata import open_session
from utkage.models.weights import read_arrays

SKELETONS = "graphs"
# The graph module holds the network under this name.
PREFIX = "network."


def skeleton_name(card: Card, flip: bool) -> str:
    """File name of the skeleton for a card, such as ``mobilenet_v1.median.flip.onnx``."""
    return ".".join([card.backbone, card.point_estimate, *(["flip"] if flip else []), "onnx"])


def find_skeleton(card: Card, flip: bool) -> Path | None:
    """The skeleton inside the installed package, or None for systems that have none."""
    if card.system != "multitask":
        return None
    path = Path(str(files("utkage") / "shipped" / SKELETONS / skeleton_name(card, flip)))
    return path if path.is_file() else None


def open_with_skeleton(
    skeleton: Path, weights: Path, card: Card, threads: int = 0
) -> OnnxPredictor:
    """Run a weights file through a skeleton.

    Args:
        skeleton: From ``find_skeleton`` for the card of ``weights``.
        weights: A safetensors file of ours.
        card: Its card.
        threads: Of the session; 0 lets ONNX Runtime choose.

    Raises:
        WeightsError: the file is damaged, or its tensors do not fit the skeleton.
    """
    import onnxruntime

    arrays = {PREFIX + name: array for name, array in read_arrays(weights).items()}
    options = session_options(threads)
    options.add_external_initializers(
        list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in arrays.values()]
    )
    try:
        session = open_session(skeleton.read_bytes(), options, skeleton)
    except WeightsError as error:
        raise WeightsError(f"{weights}: tensors do not fit {card.backbone}") from error
    return OnnxPredictor(session, card, list(arrays.values()))
