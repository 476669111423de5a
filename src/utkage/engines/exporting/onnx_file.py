"""Writing a ``ChipGraph`` as an ONNX file: uint8 chips in, answers out, the card inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from utkage.engines.inference.onnx_predictor import CARD_PROPERTY, INPUT_NAME, OUTPUT_NAMES
from utkage.models.card import Card

OPSET = 18


def write_onnx(graph: nn.Module, card: Card, path: Path) -> None:
    """Write ``graph`` to ``path`` with a dynamic batch and the card as metadata.

    The input ``chips`` is uint8 (N, S, S, 3), RGB, with S the size of the card's contract; the
    outputs are named and ordered as the fields of ``ChipOutputs``.
    """
    import onnx

    side = card.contract.size
    # Two chips, since the exporter would bake in a batch of one.
    example = torch.zeros((2, side, side, 3), dtype=torch.uint8)
    with _quietly():
        program = torch.onnx.export(
            graph.eval().cpu(),
            (example,),
            input_names=[INPUT_NAME],
            output_names=list(OUTPUT_NAMES),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(
        model, {CARD_PROPERTY: card.to_json(), "colour": "RGB", "layout": "NHWC"}
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


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
