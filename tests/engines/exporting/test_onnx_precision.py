from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto

from utkage.engines.exporting.onnx_file import torch_to_onnx
from utkage.engines.exporting.onnx_precision import KEPT_CONVOLUTIONS, halve, quantize
from utkage.engines.exporting.parity import drawn_chips
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet

pytestmark = pytest.mark.slow

CHIPS = drawn_chips(12, 64)


@pytest.fixture(scope="module")
def model(lively_network: Callable[..., MultiTaskNet]) -> ModelProto:
    return torch_to_onnx(ChipGraph(lively_network(), "median", flip=False), 64)


def p_female(model: ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    answers: NDArray[np.float32] = session.run(["p_female"], {"chips": CHIPS})[0]
    return answers


def copied(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def test_halved_weights_take_half_the_space(model: ModelProto) -> None:
    half = copied(model)
    halve(half)
    onnx.checker.check_model(half)
    assert 0.49 < half.ByteSize() / model.ByteSize() < 0.53
    difference = np.abs(p_female(half) - p_female(model))
    assert 0 < difference.max() < 0.05


def test_halving_what_was_rounded_before_changes_nothing(model: ModelProto) -> None:
    rounded = copied(model)
    for tensor in rounded.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor)
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    half = copied(rounded)
    halve(half)
    np.testing.assert_array_equal(p_female(half), p_female(rounded))


def test_convolutions_behind_the_first_are_quantised(model: ModelProto) -> None:
    small = quantize(model, CHIPS)
    onnx.checker.check_model(small)
    assert small.ByteSize() < 0.45 * model.ByteSize()
    plain = sum(
        node.op_type == "Conv" and "DequantizeLinear" not in node.input[1]
        for node in small.graph.node
    )
    assert plain == KEPT_CONVOLUTIONS
    eight = [t for t in small.graph.initializer if t.data_type == onnx.TensorProto.INT8]
    assert max(np.abs(onnx.numpy_helper.to_array(t).astype(int)).max() for t in eight) <= 64
    assert np.corrcoef(p_female(small), p_female(model))[0, 1] > 0.8
