"""ONNX files with a card that predict the same for every chip, whatever that is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from utkage.models.card import Card
from utkage.models.export_metadata import card_metadata

Arrays = Mapping[str, NDArray[np.float32]]


def possible_outputs(age: float = 30.0) -> dict[str, NDArray[np.float32]]:
    """Values of one face: the age, all probability on 30 years, the first range, and a woman."""
    return {
        "age": np.float32([age]),
        "age_distribution": np.eye(117, dtype=np.float32)[30:31],
        "range_probabilities": np.eye(9, dtype=np.float32)[3:4],
        "p_female": np.float32([0.9]),
    }


def write_constant_onnx(
    path: Path,
    card: Card,
    outputs: Arrays,
    *,
    input_name: str = "chips",
    input_type: int = TensorProto.UINT8,
    size: int | None = None,
    repeated: bool = True,
) -> Path:
    """Write a file whose ``outputs`` hold the values of one face, or of all chips at once."""
    nodes = [
        helper.make_node("Shape", [input_name], ["n"], start=0, end=1),
    ]
    initializers, declared = [], []
    for name, array in outputs.items():
        initializers.append(numpy_helper.from_array(array, f"{name}.one"))
        rest = numpy_helper.from_array(np.array(array.shape[1:], np.int64), f"{name}.rest")
        initializers.append(rest)
        if repeated:
            nodes.append(helper.make_node("Concat", ["n", rest.name], [f"{name}.shape"], axis=0))
            nodes.append(helper.make_node("Expand", [f"{name}.one", f"{name}.shape"], [name]))
        else:
            nodes.append(helper.make_node("Identity", [f"{name}.one"], [name]))
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        declared.append(helper.make_tensor_value_info(name, kind, ["N", *array.shape[1:]]))
    side = size or card.contract.size
    chips = helper.make_tensor_value_info(input_name, input_type, ["N", side, side, 3])
    graph = helper.make_graph(nodes, "constant", [chips], declared, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    metadata = card_metadata(card, np.empty(0, np.int32), flip=False)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
