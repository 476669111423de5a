"""Answers from ONNX Runtime: from an exported file, or from weights and a graph without them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.models.card import Card
from utkage.models.export_metadata import FLIP_PROPERTY, open_session, parse_card, session_metadata
from utkage.prediction.chip_predictor import require_chips
from utkage.prediction.predictions import Predictions

INPUT_NAME = "chips"
OUTPUT_NAMES = ("age", "age_distribution", "range_probabilities", "p_female")


class OnnxPredictor:
    """Runs a graph from chips to the fields of ``Predictions`` on the processor.

    Safe to share between threads.

    Args:
        session: Of ONNX Runtime, with our names of inputs and outputs.
        card: Of the weights inside.
        tensors: Arrays that the session reads for as long as it lives.
    """

    engine = "onnx"

    def __init__(
        self, session: Any, card: Card, tensors: Sequence[NDArray[np.float32]] = ()
    ) -> None:
        self.card = card
        self._session = session
        self._tensors = tensors

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Answer for uint8 RGB chips (N, S, S, 3).

        Raises:
            UsageError: another shape or type.
        """
        require_chips(chips, self.card.contract)
        outputs = self._session.run(list(OUTPUT_NAMES), {INPUT_NAME: np.ascontiguousarray(chips)})
        columns = (np.asarray(output, dtype=np.float64) for output in outputs)
        return Predictions(*columns, calibration=self.card.calibration)


def open_onnx_file(path: Path, threads: int = 0, *, flip: bool = True) -> OnnxPredictor:
    """Run a file that ``utkage export`` wrote.

    Args:
        path: The file.
        threads: Of the session; 0 lets ONNX Runtime choose.
        flip: False insists on answers without the averaging with the mirrored chip. A file
            answers as it was written, so True changes nothing.

    Raises:
        UsageError: ``flip`` is False and the averaging is inside.
        WeightsError: not an ONNX file, or not one of ours.
    """
    session = open_session(path.read_bytes(), session_options(threads), path)
    properties = session_metadata(session, path)
    if not flip and properties.get(FLIP_PROPERTY) == "true":
        raise UsageError(
            f"{path}: averages with the mirrored chip, which `flip=False` cannot undo; export it "
            "again with `flip=False`"
        )
    return OnnxPredictor(session, parse_card(properties, path))


def session_options(threads: int) -> Any:
    """How every session of ours runs; 0 threads lets ONNX Runtime choose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Its warnings are about graphs, which users cannot change.
    options.log_severity_level = 3
    return options
