"""Writing a skeleton: an ONNX graph in which the learned tensors are only named.

``engines.inference.skeleton`` says what they are for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from torch import nn

from utkage.core.files import write_bytes
from utkage.engines.exporting.onnx_file import torch_to_onnx
from utkage.engines.inference.skeleton import skeleton_name
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet


def write_skeletons(card: Card, folder: Path) -> list[Path]:
    """Write the skeletons, with and without flip averaging, for weights with this card.

    They depend on ``card.backbone`` and ``card.point_estimate`` alone, and take chips of any size.

    Returns:
        The files.
    """
    written = []
    for flip in (False, True):
        graph = ChipGraph(MultiTaskNet(card.backbone).eval(), card.point_estimate, flip=flip)
        path = folder / skeleton_name(card, flip)
        write_bytes(path, skeleton(graph))
        written.append(path)
    return written


def skeleton(graph: nn.Module) -> bytes:
    """The ONNX form of ``graph`` without the values of its state."""
    from onnxscript import optimizer

    model = torch_to_onnx(graph, None, optimize=False)
    learned = set(graph.state_dict())
    external = [tensor for tensor in model.graph.initializer if tensor.name in learned]
    constants = [tensor for tensor in model.graph.initializer if tensor.name not in learned]
    # As inputs they are variables to the optimiser, which would else compute with their values.
    variables = [
        onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        for tensor in external
    ]
    chips = list(model.graph.input)
    _fill(model.graph.input, [*chips, *variables])
    _fill(model.graph.initializer, constants)
    model = optimizer.optimize(model)
    _fill(model.graph.input, chips)
    model.graph.initializer.extend(_named_only(tensor) for tensor in external)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _named_only(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """The same tensor with its values elsewhere: ONNX Runtime is given them when it loads."""
    bare = onnx.TensorProto(
        name=tensor.name,
        data_type=tensor.data_type,
        dims=tensor.dims,
        data_location=onnx.TensorProto.EXTERNAL,
    )
    bare.external_data.add(key="location", value="weights")
    bare.external_data.add(key="offset", value="0")
    bare.external_data.add(key="length", value=str(len(tensor.raw_data)))
    return bare


def _fill(field: Any, values: list[Any]) -> None:
    del field[:]
    field.extend(values)
