"""Writing a ``ChipGraph`` as an ONNX file: uint8 chips in, answers out, the card inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import torch
from torch import nn

from utkage.engines.inference.onnx_predictor import INPUT_NAME, OUTPUT_NAMES
from utkage.models.card import Card

OPSET = 18


def write_onnx(graph: nn.Module, card: Card, path: Path, properties: Mapping[str, str]) -> None:
    """Write ``graph`` to ``path`` with a dynamic batch.

    The input ``chips`` is uint8 (N, S, S, 3), RGB, with S the size of the card's contract; the
    outputs are named and ordered as the fields of ``ChipOutputs``.

    Args:
        graph: From chips to ``ChipOutputs``.
        card: Of its weights.
        path: The file.
        properties: Its metadata, from ``models.onnx_metadata.file_properties``.
    """
    model = torch_to_onnx(graph, card.contract.size)
    onnx.helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def torch_to_onnx(graph: nn.Module, side: int | None, *, optimize: bool = True) -> onnx.ModelProto:
    """``graph`` as an ONNX model with a dynamic batch.

    Args:
        graph: From uint8 chips (N, side, side, 3) to ``ChipOutputs``.
        side: Of the chips; None leaves height and width free, too.
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
            output_names=list(OUTPUT_NAMES),
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
