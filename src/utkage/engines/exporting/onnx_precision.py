"""Smaller ONNX models: float16 weights, or convolutions in 8-bit integers.

float16 is for storage: weights of convolutions and dense layers are kept so and cast back when a
session starts, so a processor computes as fast and as exactly as with float32. Batch norms stay
unfolded for it: a folded weight would be rounded once more, which alone moved ages by up to 0.6
year; those of a file that is float16 already, as the shipped ones, are stored without any loss.

int8 is static quantisation (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018) by ONNX Runtime: weights per channel,
activations by the range that they had on given chips. Weights use seven bits, since processors
without VNNI saturate with eight. The first convolutions stay as they are: they see the chip
itself, are a hundredth of the work and cost most of the error.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from utkage.engines.inference.onnx_predictor import INPUT_NAME

# Elements of the smallest tensor that is halved: means of colours and the like gain nothing.
SMALLEST_HALVED = 128
# Convolutions from the chip on that are not quantised.
KEPT_CONVOLUTIONS = 3
_CALIBRATION_BATCH = 16


def halve(model: ModelProto) -> None:
    """Store kernels and matrices as float16, in place; everything is computed in float32."""
    casts = []
    for tensor in model.graph.initializer:
        large = len(tensor.dims) >= 2 and math.prod(tensor.dims) >= SMALLEST_HALVED
        if large and tensor.data_type == TensorProto.FLOAT:
            name, stored = tensor.name, f"{tensor.name}.float16"
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def quantize(model: ModelProto, chips: NDArray[np.uint8]) -> ModelProto:
    """The model with its convolutions in 8-bit integers.

    Args:
        model: With folded batch norms.
        chips: On which the ranges of activations are measured, uint8 (N, S, S, 3); a hundred or
            more, like those that it will see.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as name, _quietly():
        plain, small = Path(name) / "plain.onnx", Path(name) / "small.onnx"
        onnx.save(model, plain)
        quantize_static(
            plain,
            small,
            _Chips(chips),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=convolutions[:KEPT_CONVOLUTIONS],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        found: ModelProto = onnx.load(small)
    return found


class _Chips:
    """Chips in batches, as ONNX Runtime asks for them."""

    def __init__(self, chips: NDArray[np.uint8]) -> None:
        starts = range(0, len(chips), _CALIBRATION_BATCH)
        self._batches = iter([chips[start : start + _CALIBRATION_BATCH] for start in starts])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT_NAME: batch}


@contextmanager
def _quietly() -> Iterator[None]:
    # It advises to run a step before that torch's exporter has done.
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
