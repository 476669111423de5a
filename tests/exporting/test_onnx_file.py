import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from utkage.core.errors import ParityError
from utkage.exporting.onnx_file import write_onnx
from utkage.exporting.parity import Parity, compare, predict_batches, synthetic_chips
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.models.export_metadata import card_metadata
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.chip_predictor import TorchPredictor
from utkage.prediction.onnx_predictor import open_onnx_file

# The export alone takes some ten seconds; the tests share it.
pytestmark = pytest.mark.slow


def measure(reference: TorchPredictor, path: Path, calibrated_card: Card) -> Parity:
    chips = synthetic_chips(9, 64)
    batches = [chips[:1], chips[1:4], chips[4:]]
    both = (predict_batches(own, batches) for own in (reference, open_onnx_file(path, threads=1)))
    return compare(*both, calibrated_card.point_estimate)


def test_the_file_predicts_like_the_model(
    reference: TorchPredictor, exported: Path, calibrated_card: Card
) -> None:
    found = measure(reference, exported, calibrated_card)
    found.require(exported)
    assert found.chips == 9
    assert found.max_probability_difference < 1e-4
    own = open_onnx_file(exported, threads=1).predict_chips(synthetic_chips(3, 64))
    expected = reference.predict_chips(synthetic_chips(3, 64))
    for name, value in vars(expected).items():
        if name != "calibration":
            np.testing.assert_allclose(getattr(own, name), value, atol=2e-3, err_msg=name)
    assert own.calibration == expected.calibration == reference.card.calibration
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


def test_old_runtimes_can_read_the_file(exported: Path) -> None:
    model = onnx.load(exported)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    # ONNX Runtime reads version 8 since 1.12; its version 1.17 refuses 10.
    assert model.ir_version == 8


def test_another_operator_set(
    small_network: MultiTaskNet, calibrated_card: Card, tmp_path: Path
) -> None:
    network = ChipGraph(small_network, "median", flip=True)
    graph = ExportGraph(network, calibrated_card, interval=0.9).eval()
    path = tmp_path / "model.onnx"
    write_onnx(
        graph, path, card_metadata(calibrated_card, np.empty(0, np.int32), flip=True), opset=20
    )
    model = onnx.load(path)
    assert (model.opset_import[0].version, model.ir_version) == (20, 9)
    assert_same_outputs(path, graph, synthetic_chips(3, 64))


def test_the_card_is_in_the_metadata(exported: Path, calibrated_card: Card) -> None:
    model = onnx.load(exported)
    found = {item.key: item.value for item in model.metadata_props}
    assert Card.from_json(found["utkage_card"], "x") == calibrated_card
    assert json.loads(found["utkage_card"])["format"] == "utkage weights"
    assert (found["colour"], found["layout"]) == ("RGB", "NHWC")
    assert not list(exported.parent.glob("*.data")), "everything is in one file"


@pytest.mark.parametrize("where", [(117, 256), (117,), (1, 256), (256,)])
def test_a_damaged_graph_closes_the_gate(
    reference: TorchPredictor,
    exported: Path,
    calibrated_card: Card,
    tmp_path: Path,
    where: tuple[int, ...],
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
        measure(reference, path, calibrated_card).require(path)


def test_chips_of_any_size_are_resized_in_the_runtime_as_in_torch(
    small_network: MultiTaskNet, calibrated_card: Card, tmp_path: Path
) -> None:
    graph = ExportGraph(
        ChipGraph(small_network, "median", flip=False),
        calibrated_card,
        interval=0.8,
        any_size=True,
    ).eval()
    path = tmp_path / "any.onnx"
    write_onnx(
        graph, path, card_metadata(calibrated_card, np.array([7], dtype=np.int32), flip=False)
    )
    for height, width in ((64, 64), (150, 90), (40, 48)):
        chips = np.ascontiguousarray(synthetic_chips(2, 160)[:, :height, :width])
        assert_same_outputs(path, graph, chips)


def assert_same_outputs(path: Path, graph: ExportGraph, chips: NDArray[np.uint8]) -> None:
    """Every output of the file is that of torch, and differs between chips."""
    with torch.inference_mode():
        expected = graph(torch.from_numpy(chips))
    found = onnxruntime.InferenceSession(path).run(None, {"chips": chips})
    for name, own, values in zip(ExportOutputs._fields, found, expected, strict=True):
        np.testing.assert_allclose(own, values.numpy(), atol=2e-3, err_msg=name)
    assert np.ptp(found[0]) > 0.01
