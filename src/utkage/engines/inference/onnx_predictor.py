"""Answers from an exported ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import WeightsError
from utkage.engines.inference.predictions import Predictions
from utkage.engines.inference.predictor import require_chips
from utkage.models.card import Card

CARD_PROPERTY = "utkage_card"
INPUT_NAME = "chips"
OUTPUT_NAMES = ("age", "age_distribution", "range_probabilities", "p_female")


class OnnxPredictor:
    """Runs a file that ``utkage export`` wrote, in ONNX Runtime.

    Args:
        path: The file.
        threads: Of the session; 0 lets ONNX Runtime choose.

    Raises:
        WeightsError: not an ONNX file, or not one of ours.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise WeightsError(f"{path}: not an ONNX file that can be run") from error
        properties = self._session.get_modelmeta().custom_metadata_map
        if CARD_PROPERTY not in properties:
            raise WeightsError(f"{path}: an ONNX file of another program")
        self.card = Card.from_json(properties[CARD_PROPERTY], str(path))

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Answer for uint8 RGB chips (N, S, S, 3)."""
        require_chips(chips, self.card.contract)
        outputs = self._session.run(list(OUTPUT_NAMES), {INPUT_NAME: np.ascontiguousarray(chips)})
        columns = (np.asarray(output, dtype=np.float64) for output in outputs)
        return Predictions(*columns, calibration=self.card.calibration)
