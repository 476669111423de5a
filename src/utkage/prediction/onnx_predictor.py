"""Prediction with ONNX Runtime, from an exported file or a graph template with weights."""

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
    """Runs a graph from chips to the fields of ``Predictions`` on the CPU.

    Safe to share between threads.

    Args:
        session: Session of ONNX Runtime with the inputs and outputs named as here.
        card: Card of the weights.
        tensors: Arrays that the session reads, kept alive with it.
    """

    engine = "onnx"

    def __init__(
        self, session: Any, card: Card, tensors: Sequence[NDArray[np.float32]] = ()
    ) -> None:
        self.card = card
        self._session = session
        self._tensors = tensors

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Predict from uint8 RGB chips (N, S, S, 3).

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
        threads: Number of threads; 0 lets ONNX Runtime choose.
        flip: False refuses files that average with the mirrored chip. A file averages or not as
            it was written, so True changes nothing.

    Raises:
        UsageError: ``flip`` is False and the file averages.
        WeightsError: not an ONNX file, or not written by utkage.
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
    """Options of every session; 0 threads lets ONNX Runtime choose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors only: its warnings concern graphs, which users cannot change.
    options.log_severity_level = 3
    return options
