import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from torch import nn

from utkage.core.errors import ParityError
from utkage.exporting.onnx_file import torch_to_onnx, write_onnx
from utkage.exporting.onnx_precision import KEPT_CONVOLUTIONS, halve, quantize
from utkage.exporting.parity import Parity, compare, predict_batches, synthetic_chips
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.models.export_metadata import card_metadata
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.chip_predictor import TorchPredictor
from utkage.prediction.onnx_predictor import open_onnx_file

# The export alone takes some ten seconds; the tests share it.
pytestmark = pytest.mark.slow

Lively = Callable[..., MultiTaskNet]


CALIBRATION = Calibration(
    gender_temperature=0.7,
    range_temperature=1.6,
    levels=LEVELS,
    bands=(AgeBand(0, 500, tuple(x / 2 for x in LEVELS)),),
)
SEEN = np.array([7], dtype=np.int32)


@pytest.fixture(scope="module")
def card(card: Card) -> Card:
    """The temperatures have to arrive in the file as well."""
    return replace(card, calibration=CALIBRATION)


@pytest.fixture(scope="module")
def graph(lively_network: Lively) -> ChipGraph:
    return ChipGraph(lively_network(), "median", flip=True, calibration=CALIBRATION)


@pytest.fixture(scope="module")
def reference(graph: ChipGraph, card: Card) -> TorchPredictor:
    return TorchPredictor(graph, card, torch.device("cpu"))


@pytest.fixture(scope="module")
def exported(graph: ChipGraph, card: Card, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        whole = ExportGraph(graph, card, interval=0.9)
        write_onnx(whole, path, card_metadata(card, SEEN, flip=True))
    assert said.getvalue() == "", "standard output belongs to data"
    return path


def measure(reference: TorchPredictor, path: Path, card: Card) -> Parity:
    chips = synthetic_chips(9, 64)
    batches = [chips[:1], chips[1:4], chips[4:]]
    both = (predict_batches(own, batches) for own in (reference, open_onnx_file(path, threads=1)))
    return compare(*both, card.point_estimate)


def test_the_file_answers_as_the_model(
    reference: TorchPredictor, exported: Path, card: Card
) -> None:
    found = measure(reference, exported, card)
    found.require(exported)
    assert found.chips == 9
    assert found.max_probability_difference < 1e-4
    own = open_onnx_file(exported, threads=1).predict_chips(synthetic_chips(3, 64))
    expected = reference.predict_chips(synthetic_chips(3, 64))
    for name, value in vars(expected).items():
        if name != "calibration":
            np.testing.assert_allclose(getattr(own, name), value, atol=2e-3, err_msg=name)
    assert own.calibration == expected.calibration == CALIBRATION
    np.testing.assert_allclose(own.age_interval(0.9), expected.age_interval(0.9), atol=2e-2)
    assert expected.age.std() > 0.01


def test_the_batch_is_dynamic_and_the_rest_is_not(exported: Path) -> None:
    model = onnx.load(exported)
    (given,) = model.graph.input
    assert given.name == "chips"
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    batch, *rest = given.type.tensor_type.shape.dim
    assert batch.dim_param
    assert [dim.dim_value for dim in rest] == [64, 64, 3]
    outputs = {value.name: value.type.tensor_type.shape.dim for value in model.graph.output}
    assert tuple(outputs) == ExportOutputs._fields
    for dims in outputs.values():
        assert dims[0].dim_param == batch.dim_param
    assert outputs["age_distribution"][1].dim_value == 117
    assert outputs["range_probabilities"][1].dim_value == 9


def test_the_card_travels_along(exported: Path, card: Card) -> None:
    model = onnx.load(exported)
    found = {item.key: item.value for item in model.metadata_props}
    assert Card.from_json(found["utkage_card"], "x") == card
    assert json.loads(found["utkage_card"])["format"] == "utkage weights"
    assert (found["colour"], found["layout"]) == ("RGB", "NHWC")
    assert not list(exported.parent.glob("*.data")), "everything is in one file"


@pytest.mark.parametrize("where", [(117, 256), (117,), (1, 256), (256,)])
def test_a_damaged_graph_closes_the_gate(
    reference: TorchPredictor, exported: Path, card: Card, tmp_path: Path, where: tuple[int, ...]
) -> None:
    model = onnx.load(exported)
    shapes = {where, where[::-1]}
    damaged = [tensor for tensor in model.graph.initializer if tuple(tensor.dims) in shapes]
    assert damaged, "no such tensor in the graph"
    for tensor in damaged:
        values = numpy_helper.to_array(tensor).copy()
        values.flat[: values.size // 2 + 1] += 0.5
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    path = tmp_path / "damaged.onnx"
    onnx.save(model, path)
    with pytest.raises(ParityError, match=r"damaged\.onnx: not written"):
        measure(reference, path, card).require(path)


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


def test_halving_what_was_rounded_before_changes_nothing(model: ModelProto) -> None:
    rounded = copied(model)
    for tensor in rounded.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor)
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    half = halve(copied(rounded))
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


def test_chips_of_any_size_are_resized_in_the_runtime_as_in_torch(
    lively_network: Lively, card: Card, tmp_path: Path
) -> None:
    graph = ExportGraph(
        ChipGraph(lively_network(), "median", flip=False), card, interval=0.8, any_size=True
    ).eval()
    path = tmp_path / "any.onnx"
    write_onnx(graph, path, card_metadata(card, SEEN, flip=False))
    session = onnxruntime.InferenceSession(path)
    for height, width in ((64, 64), (150, 90), (40, 48)):
        chips = np.ascontiguousarray(synthetic_chips(2, 160)[:, :height, :width])
        with torch.inference_mode():
            expected = graph(torch.from_numpy(chips))
        found = session.run(None, {"chips": chips})
        for name, own, values in zip(ExportOutputs._fields, found, expected, strict=True):
            np.testing.assert_allclose(own, values.numpy(), atol=2e-3, err_msg=name)


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


def test_what_is_used_twice_is_folded_with_care() -> None:
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
