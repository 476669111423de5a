"""Writing an ``ExportGraph`` as an ONNX file: uint8 chips in, answers out, the card inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import nn

from utkage.exporting.onnx_precision import halve, quantize
from utkage.exporting.precision import FULL, Precision
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.prediction.onnx_predictor import INPUT_NAME, OUTPUT_NAMES

OPSET = 18


def write_onnx(
    graph: ExportGraph, path: Path, properties: Mapping[str, str], precision: Precision = FULL
) -> None:
    """Write ``graph`` to ``path`` with a dynamic batch.

    The input ``chips`` is uint8 (N, S, S, 3), RGB, with S the size of the card's contract, or any
    height and width if the graph takes them; the outputs are named and ordered as the fields of
    ``ExportOutputs``.

    Args:
        graph: From chips to answers.
        path: The file.
        properties: Its metadata, from ``models.export_metadata.card_metadata``.
        precision: Of what is stored.
    """
    side = None if graph.any_size else graph.card.contract.size
    half = precision.name == "fp16"
    model = torch_to_onnx(graph, side, ExportOutputs._fields, optimize=not half)
    if half:
        model = halve(model)
    elif precision.name == "int8":
        model = quantize(model, precision.chips)
    onnx.helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def torch_to_onnx(
    graph: nn.Module,
    side: int | None,
    outputs: Sequence[str] = OUTPUT_NAMES,
    *,
    optimize: bool = True,
) -> onnx.ModelProto:
    """``graph`` as an ONNX model with a dynamic batch.

    Args:
        graph: From uint8 chips (N, side, side, 3) to a tuple of answers.
        side: Of the chips; None leaves height and width free, too.
        outputs: Names of the answers, in their order.
        optimize: Let the exporter fold constants, batch norms among them.
    """
    # Two chips, since the exporter would bake in a batch of one; sides as no network has them.
    example = torch.zeros((2, side or 160, side or 192, 3), dtype=torch.uint8)
    free = {0: torch.export.Dim("batch", min=1)}
    if side is None:
        free[1], free[2] = (torch.export.Dim(name, min=32) for name in ("height", "width"))
    with _quietly():
        program = torch.onnx.export(
            graph.eval().cpu(),
            (example,),
            input_names=[INPUT_NAME],
            output_names=list(outputs),
            dynamic_shapes=(free,),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            optimize=optimize,
        )
    assert program is not None
    model = program.model_proto
    _forget_origin(model)
    return model


def _forget_origin(model: onnx.ModelProto) -> None:
    # The exporter notes lines of our source, with folders of this machine, at every node.
    graph = model.graph
    graph.ClearField("value_info")
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    # The exporter talks on stdout, which belongs to our data.
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
