"""Smaller ONNX models: float16 weights, or convolutions in 8-bit integers.

float16 is for storage: weights of convolutions and dense layers are kept so and cast back when a
session starts, so a processor computes as fast and as exactly as with float32. Batch norms are
folded into them only there, too: a folded weight would be rounded once more, which alone moved ages
by up to 0.6 year. Weights that are float16 already, as the shipped ones, are stored without loss.

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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from utkage.exporting.onnx_optimizer import simplified
from utkage.prediction.onnx_predictor import INPUT_NAME

# Elements of the smallest tensor that is halved: means of colours and the like gain nothing.
SMALLEST_HALVED = 128
# Convolutions from the chip on that are not quantised.
KEPT_CONVOLUTIONS = 3
_CALIBRATION_BATCH = 16


def halve(model: ModelProto) -> ModelProto:
    """The model with kernels and matrices stored as float16; everything is computed in float32.

    Args:
        model: As the exporter wrote it, with batch norms behind the convolutions.
    """
    held = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    model = simplified(model, held)
    model.graph.initializer.extend(held)
    scalings = _fold_batch_norms(model)
    casts = []
    for tensor in model.graph.initializer:
        # More elements than outputs: not the scales, which stand for a vector.
        large = len(tensor.dims) >= 2 and math.prod(tensor.dims[1:]) > 1
        large = large and math.prod(tensor.dims) >= SMALLEST_HALVED
        if large and tensor.data_type == TensorProto.FLOAT:
            name, stored = tensor.name, f"{tensor.name}.float16"
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    # All of them have constant inputs, so sessions work them out once.
    nodes = [*casts, *scalings, *model.graph.node]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    return model


def _fold_batch_norms(model: ModelProto) -> list[NodeProto]:
    """Take batch norms out of the graph; returned are nodes that scale the kernels instead."""
    graph = model.graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    scalings, folded = [], []
    for norm in graph.node:
        source = norm.input[0] if norm.input else ""
        convolution = makers.get(source)
        if norm.op_type != "BatchNormalization" or uses[source] != 1 or convolution is None:
            continue
        if convolution.op_type != "Conv" or any(name not in values for name in norm.input[1:]):
            continue
        kernel = convolution.input[1]
        # Kernels that others use as well cannot be scaled for one of them.
        if uses[kernel] != 1:
            continue
        gamma, beta, mean, variance = (numpy_helper.to_array(values[n]) for n in norm.input[1:])
        (epsilon,) = [a.f for a in norm.attribute if a.name == "epsilon"] or [1e-5]
        scale = gamma / np.sqrt(variance + epsilon)
        # A bias that is no stored tensor is the exporter's way to write zeros.
        own = values.get(convolution.input[2]) if len(convolution.input) > 2 else None
        bias = beta - (mean - (0 if own is None else numpy_helper.to_array(own))) * scale
        for name, array in (("scale", scale.reshape(-1, 1, 1, 1)), ("bias", bias)):
            tensor = numpy_helper.from_array(array.astype(np.float32), f"{kernel}.{name}")
            graph.initializer.append(tensor)
        scaled = f"{kernel}.scaled"
        scalings.append(helper.make_node("Mul", [kernel, f"{kernel}.scale"], [scaled]))
        convolution.input[1:] = [scaled, f"{kernel}.bias"]
        convolution.output[0] = norm.output[0]
        folded.append(norm)
    for norm in folded:
        graph.node.remove(norm)
    # Runtimes warn of numbers that nothing uses.
    used = {name for node in graph.node for name in node.input}
    for name in sorted({name for norm in folded for name in norm.input[1:]} - used):
        graph.initializer.remove(values[name])
    return scalings


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
