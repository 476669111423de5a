"""Writing an ``ExportGraph`` as an ONNX file: uint8 chips in, predictions out, the card inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from utkage.core.partials import partial_folder
from utkage.exporting.onnx_precision import halve, quantize
from utkage.exporting.precision import DEFAULT_PRECISION
from utkage.exporting.quiet import silenced
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.models.onnx_session import INPUT_NAME, OUTPUT_WIDTHS

OPSETS = range(18, 22)
"""Operator sets that can be written. The oldest is the first that holds the graph."""
OPSET = OPSETS[0]


def write_onnx(
    graph: ExportGraph,
    path: Path,
    metadata: Mapping[str, str],
    precision: str = DEFAULT_PRECISION,
    calibration_chips: NDArray[np.uint8] | None = None,
    opset: int = OPSET,
) -> None:
    """Write ``graph`` to ``path`` with a dynamic batch.

    The input ``chips`` is uint8 (N, S, S, 3), RGB, with S the size of the card's contract, or any
    height and width if the graph resizes chips. The outputs have the names and the order of the
    fields of ``ExportOutputs``. ``metadata`` is from ``models.export_metadata``. Only int8 needs
    ``calibration_chips``, uint8 (N, S, S, 3), to measure the ranges of activations.
    """
    size = None if graph.any_size else graph.card.contract.size
    optimize = precision != "fp16"
    model = torch_to_onnx(graph, size, ExportOutputs._fields, optimize=optimize, opset=opset)
    if precision == "fp16":
        model = halve(model)
    elif precision == "int8":
        assert calibration_chips is not None
        with partial_folder(path) as folder:
            model = quantize(model, calibration_chips, folder)
    onnx.helper.set_model_props(model, dict(metadata))
    # Older runtimes refuse a newer version of the file format, even if it uses nothing of that.
    oldest = onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True)
    model.ir_version = oldest
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def torch_to_onnx(
    graph: nn.Module,
    size: int | None,
    outputs: Sequence[str] = tuple(OUTPUT_WIDTHS),
    *,
    optimize: bool = True,
    opset: int = OPSET,
) -> onnx.ModelProto:
    """Convert a module from uint8 chips (N, size, size, 3) to a tuple of named outputs.

    The batch is dynamic; without a ``size``, height and width are dynamic, too. With ``optimize``,
    the exporter folds constants, including batch norms.
    """
    # Two chips, because the exporter would fix a batch of one, and an unusual height and width.
    example = torch.zeros((2, size or 160, size or 192, 3), dtype=torch.uint8)
    with silenced("torch.onnx"):
        program = torch.onnx.export(
            graph.eval().cpu(),
            (example,),
            input_names=[INPUT_NAME],
            output_names=list(outputs),
            dynamic_shapes=(dynamic_axes(any_size=size is None),),
            opset_version=opset,
            dynamo=True,
            verbose=False,
            optimize=optimize,
        )
    assert program is not None
    model = program.model_proto
    # The exporter stores source lines, with folders of this machine, at every node.
    graph_proto = model.graph
    graph_proto.ClearField("value_info")
    parts = (*graph_proto.node, *graph_proto.initializer, *graph_proto.input, *graph_proto.output)
    for part in (graph_proto, *parts):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def dynamic_axes(*, any_size: bool) -> dict[int, torch.export.Dim]:
    """The dynamic axes of chips (N, H, W, 3): the batch, and with ``any_size`` H and W."""
    axes = {0: torch.export.Dim("batch", min=1)}
    if any_size:
        axes[1], axes[2] = (torch.export.Dim(name, min=32) for name in ("height", "width"))
    return axes
