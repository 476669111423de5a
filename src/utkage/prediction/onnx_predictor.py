"""Prediction with ONNX Runtime, from an exported file or a graph template with weights.

Importing torch takes longer than predicting a photograph. The package therefore contains *graph
templates*: graphs from chips to predictions in which every trained tensor has a name but no value.
The choices of the card (point estimate, temperatures) are named tensors as well, so a template of
some 50 kB serves the shipped weights and every training of its backbone.
``exporting.graph_template`` writes the templates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.core.processors import processor_limit
from utkage.models.card import POINT_ESTIMATES, WHOLE, Card
from utkage.models.export_metadata import FLIP_PROPERTY, parse_card, session_metadata
from utkage.models.onnx_session import open_session, require_chip_graph, run_session
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.chip_predictor import require_chips
from utkage.prediction.predictions import Predictions

TEMPLATES = "graphs"
# Prefix of the network in the names of tensors.
PREFIX = "network."


class OnnxPredictor:
    """Runs a session of ``models.onnx_session`` on the CPU; threads may share it.

    ``path`` is the file of the weights, for messages. ``tensors`` are arrays that the session
    reads, kept alive with it. ``reopen`` makes the same predictor in another process, after
    pickling.
    """

    engine = "onnx"

    def __init__(
        self,
        session: Any,
        card: Card,
        path: Path,
        tensors: Sequence[NDArray[np.float32]] = (),
        *,
        reopen: Callable[[], OnnxPredictor] | None = None,
    ) -> None:
        self.card = card
        self._session = session
        self._path = path
        self._tensors = tensors
        self._reopen = reopen

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is None:
            raise TypeError("only predictors that were opened from files can be pickled")
        return self._reopen, ()

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Predict from chips, as ``ChipPredictor``."""
        require_chips(chips, self.card.contract)
        columns = run_session(self._session, chips, self._path)
        return Predictions(*columns, calibration=self.card.calibration)


def open_onnx_file(path: Path, threads: int = 0, *, flip: bool = True) -> OnnxPredictor:
    """Run a file that ``utkage export`` wrote; 0 ``threads`` lets ONNX Runtime choose.

    A file averages with the mirrored chip or not as it was written, so ``flip=True`` changes
    nothing.

    Raises:
        UsageError: ``flip`` is False and the file averages.
        WeightsError: not an ONNX file, or not written by utkage.
    """
    session = open_session(path.read_bytes(), session_options(threads), path)
    properties = session_metadata(session, path)
    card = parse_card(properties, path)
    require_chip_graph(session, card.contract.size, path)
    if not flip and properties.get(FLIP_PROPERTY) == "true":
        raise UsageError(
            f"{path}: averages with the mirrored chip, which `flip=False` cannot undo; export it "
            "again with `flip=False`"
        )
    reopen = partial(open_onnx_file, path.resolve(), threads, flip=flip)
    return OnnxPredictor(session, card, path, reopen=reopen)


def template_name(card: Card, flip: bool) -> str:
    """File name of the template for a card, such as ``mobilenet_v1.softmax.flip.onnx``."""
    view = [] if card.mirrored_view == WHOLE else [card.mirrored_view]
    views = ["flip", *view] if flip else []
    return ".".join([card.backbone, card.age_head, *views, "onnx"])


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
    """Run a safetensors file through the template that ``find_template`` gives for its card.

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
        raise WeightsError(
            f"{weights.path}: tensors do not fit {card.backbone}; copy the file again, or use "
            "other weights"
        ) from error
    reopen = partial(open_with_template, template, LoadedWeights(weights.path.resolve()), threads)
    return OnnxPredictor(session, card, weights.path, list(arrays.values()), reopen=reopen)


def session_options(threads: int) -> Any:
    """Options of every session; 0 threads lets ONNX Runtime choose, within a container's limits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or processor_limit() or 0
    # Errors only: its warnings concern graphs, which users cannot change.
    options.log_severity_level = 3
    # A plan of the memory of each number of chips would double it, and save no time.
    options.enable_mem_pattern = False
    return options
