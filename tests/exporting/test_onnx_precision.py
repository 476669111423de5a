import contextlib
import io
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import nn

from utkage.exporting.onnx_file import torch_to_onnx
from utkage.exporting.onnx_precision import KEPT_CONVOLUTIONS, halve, quantize
from utkage.exporting.parity import synthetic_chips

pytestmark = pytest.mark.slow

CHIPS = synthetic_chips(12, 64)


@pytest.fixture(scope="module")
def model(exported: Path) -> ModelProto:
    return onnx.load(exported)


def p_female(model: ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found: NDArray[np.float32] = session.run(["p_female"], {"chips": CHIPS})[0]
    return found


def copied(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def test_halved_weights_take_half_the_space(model: ModelProto) -> None:
    half = halve(copied(model))
    onnx.checker.check_model(half)
    assert 0.49 < half.ByteSize() / model.ByteSize() < 0.53
    difference = np.abs(p_female(half) - p_female(model))
    assert 0 < difference.max() < 0.05


def test_float16_weights_are_halved_without_loss(model: ModelProto) -> None:
    rounded = copied(model)
    for tensor in rounded.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor)
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    half = halve(copied(rounded))
    np.testing.assert_array_equal(p_female(half), p_female(rounded))


def test_all_but_the_first_convolutions_are_quantised(model: ModelProto, tmp_path: Path) -> None:
    small = quantize(model, CHIPS, tmp_path)
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


class Sharing(nn.Module):
    """Layers that are used twice, with batch norms behind them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.enter, self.again = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.norm, self.other = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        for norm in (self.norm, self.other):
            for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                assert values is not None
                nn.init.uniform_(values, 0.5, 2)

    def forward(self, chips: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.enter(chips.permute(0, 3, 1, 2).float() / 255)
        x = torch.relu(self.norm(x))
        x = torch.relu(self.norm(self.again(x)))
        x = torch.relu(self.other(self.again(x)))
        return tuple((x.mean((2, 3))[:, :4] + 1).unbind(1))


def test_shared_kernels_and_norms_are_folded_correctly() -> None:
    network = Sharing().eval()
    with contextlib.redirect_stdout(io.StringIO()):
        model = halve(torch_to_onnx(network, 32, optimize=False))
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    chips = synthetic_chips(3, 32)
    found = session.run(None, {"chips": chips})
    with torch.inference_mode():
        expected = network(torch.from_numpy(chips))
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, other.numpy(), rtol=1e-3)
    assert np.ptp(found[0]) > 0.005
