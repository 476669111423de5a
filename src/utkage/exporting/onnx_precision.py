"""Smaller ONNX models: float16 weights, or convolutions in 8-bit integers.

float16 is for storage. Sessions cast kernels and matrices back to float32 when they start, so a CPU
computes as fast and as exactly as before. Batch norms are folded into the kernels only then: a
folded kernel would be rounded a second time, which alone moved ages by up to 0.6 year. Weights that
are float16 already, such as the shipped ones, are stored without loss.

int8 is static quantisation (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018) by ONNX Runtime: weights per channel,
activations by their range on the calibration chips. Weights use seven bits, because CPUs without
VNNI saturate with eight. The first convolutions stay in float32: they process the chip itself, are
a hundredth of the computation and cause most of the error.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from utkage.exporting.onnx_optimizer import simplified
from utkage.exporting.quiet import silenced
from utkage.models.onnx_session import INPUT_NAME

# Number of elements from which a tensor is stored as float16; smaller ones save nothing.
SMALLEST_HALVED = 128
# Number of convolutions, counted from the chip, that are not quantised.
KEPT_CONVOLUTIONS = 3
_CALIBRATION_BATCH = 16


def halve(model: ModelProto) -> ModelProto:
    """Store kernels and matrices as float16; all computation stays in float32.

    Expects a model that was exported without optimisation, whose batch norms are not folded.
    """
    held = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    model = simplified(model, held)
    model.graph.initializer.extend(held)
    scalings = _fold_batch_norms(model)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and _is_large(tensor):
            name, stored = tensor.name, f"{tensor.name}.float16"
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    # All new nodes have constant inputs, so sessions compute them once.
    nodes = [*casts, *scalings, *model.graph.node]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    return model


def _is_large(tensor: TensorProto) -> bool:
    # The scales of folded batch norms, (K, 1, 1, 1), hold only one value per channel.
    is_matrix = len(tensor.dims) >= 2 and math.prod(tensor.dims[1:]) > 1
    return is_matrix and math.prod(tensor.dims) >= SMALLEST_HALVED


def _fold_batch_norms(model: ModelProto) -> list[NodeProto]:
    """Remove batch norms from the graph, and return nodes that scale the kernels instead."""
    graph = model.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    scalings, folded = [], []
    for norm in graph.node:
        if norm.op_type != "BatchNormalization" or uses[norm.input[0]] != 1:
            continue
        convolution = makers.get(norm.input[0])
        if convolution is None or convolution.op_type != "Conv":
            continue
        # A kernel with other users cannot be scaled for one of them.
        if uses[convolution.input[1]] == 1 and initializers.keys() >= set(norm.input[1:]):
            scalings.append(_fold(norm, convolution, model, initializers))
            folded.append(norm)
    for norm in folded:
        graph.node.remove(norm)
    # Runtimes warn about unused initializers.
    used = {name for node in graph.node for name in node.input}
    for name in sorted({name for norm in folded for name in norm.input[1:]} - used):
        graph.initializer.remove(initializers[name])
    return scalings


def _fold(
    norm: NodeProto, convolution: NodeProto, model: ModelProto, initializers: dict[str, TensorProto]
) -> NodeProto:
    """Give the convolution the scale and the shift of its norm; the node that scales its kernel."""
    gamma, beta, mean, variance = (numpy_helper.to_array(initializers[n]) for n in norm.input[1:])
    (epsilon,) = [a.f for a in norm.attribute if a.name == "epsilon"] or [1e-5]
    scale = gamma / np.sqrt(variance + epsilon)
    # The exporter writes a bias of zeros as something else than an initializer.
    stored = initializers.get(convolution.input[2]) if len(convolution.input) > 2 else None
    bias = beta - (mean - (0 if stored is None else numpy_helper.to_array(stored))) * scale
    kernel = convolution.input[1]
    for name, array in (("scale", scale.reshape(-1, 1, 1, 1)), ("bias", bias)):
        tensor = numpy_helper.from_array(array.astype(np.float32), f"{kernel}.{name}")
        model.graph.initializer.append(tensor)
    scaled = f"{kernel}.scaled"
    convolution.input[1:] = [scaled, f"{kernel}.bias"]
    convolution.output[0] = norm.output[0]
    return helper.make_node("Mul", [kernel, f"{kernel}.scale"], [scaled])


def quantize(model: ModelProto, chips: NDArray[np.uint8], folder: Path) -> ModelProto:
    """Convert the convolutions of a model with folded batch norms to 8-bit integers.

    ``chips`` for the calibration are uint8 (N, S, S, 3): a hundred or more, similar to those that
    the file is for. ``folder`` is an empty one for temporary files.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    # It logs the advice to run a step that torch's exporter has already done.
    with silenced():
        plain, small = folder / "plain.onnx", folder / "small.onnx"
        onnx.save(model, plain)
        quantize_static(
            plain,
            small,
            _CalibrationBatches(chips),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=convolutions[:KEPT_CONVOLUTIONS],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        quantized: ModelProto = onnx.load(small)
    return quantized


class _CalibrationBatches:
    """Batches of chips in the form that ONNX Runtime reads."""

    def __init__(self, chips: NDArray[np.uint8]) -> None:
        starts = range(0, len(chips), _CALIBRATION_BATCH)
        self._batches = iter([chips[start : start + _CALIBRATION_BATCH] for start in starts])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT_NAME: batch}
