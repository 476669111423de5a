"""Writing and running torch programs: TorchScript, and archives of ``torch.export`` (pt2).

Both hold code and weights, run in Python or C++ without utkage, and return a dictionary from the
field names of ``ExportOutputs`` to tensors.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from utkage.core.damaged_files import DAMAGE
from utkage.core.device import CPU
from utkage.core.errors import WeightsError
from utkage.core.files import write_bytes
from utkage.exporting.onnx_file import dynamic_axes
from utkage.exporting.quiet import silenced
from utkage.models.chip_graph import ChipOutputs
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.models.export_metadata import CARD_PROPERTY, parse_card
from utkage.prediction.chip_predictor import TorchPredictor

Program = Callable[[Tensor], Mapping[str, Tensor]]


class NamedOutputs(nn.Module):
    """A graph whose outputs are a dictionary, which loads without utkage's classes."""

    def __init__(self, graph: ExportGraph) -> None:
        super().__init__()
        # Not "graph", which torch.fx uses for modules of its own.
        self.system = graph

    def forward(self, chips: Tensor) -> dict[str, Tensor]:
        """Predict for a batch of chips."""
        outputs: ExportOutputs = self.system(chips)
        return outputs._asdict()


class ProgramGraph(nn.Module):
    """A loaded program as a module from chips to ``ChipOutputs``."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        # Hidden in a function: programs of torch.export refuse eval() and to().
        self.run: Program = lambda chips: program(chips)

    def forward(self, chips: Tensor) -> ChipOutputs:
        """Predict for a batch of chips."""
        outputs = self.run(chips)
        return ChipOutputs(*(outputs[name] for name in ChipOutputs._fields))


def write_torchscript(graph: ExportGraph, path: Path, metadata: Mapping[str, str]) -> None:
    """Trace ``graph``, freeze it and write it to ``path``, with the metadata as extra files."""
    buffer = io.BytesIO()
    with silenced(), torch.inference_mode():
        program = torch.jit.trace(  # type: ignore[no-untyped-call]
            NamedOutputs(graph).eval().cpu(), (_example(graph),), strict=False, check_trace=False
        )
        torch.jit.save(torch.jit.freeze(program), buffer, _extra_files=dict(metadata))
    write_bytes(path, buffer.getvalue())


def write_pt2(graph: ExportGraph, path: Path, metadata: Mapping[str, str]) -> None:
    """Write ``graph`` as an archive of ``torch.export`` with a dynamic batch and extra files."""
    with silenced():
        program = torch.export.export(
            NamedOutputs(graph).eval().cpu(),
            (_example(graph),),
            dynamic_shapes=(dynamic_axes(any_size=graph.any_size),),
        )
        for node in program.graph.nodes:
            # Source lines, with folders of this machine.
            node.meta.pop("stack_trace", None)
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files=dict(metadata))
    write_bytes(path, buffer.getvalue())


def open_torchscript(path: Path) -> TorchPredictor:
    """Open a file of ``write_torchscript``; a ``WeightsError`` if it is not one."""
    return _open(path, lambda file, extra: torch.jit.load(file, "cpu", _extra_files=extra))  # type: ignore[no-untyped-call]


def open_pt2(path: Path) -> TorchPredictor:
    """Open a file of ``write_pt2``; errors as in ``open_torchscript``."""
    return _open(path, lambda file, extra: torch.export.load(file, extra_files=extra).module())


def _open(path: Path, load: Callable[[io.BytesIO, dict[str, Any]], Program]) -> TorchPredictor:
    extra: dict[str, Any] = {CARD_PROPERTY: ""}
    try:
        with silenced():
            program = load(io.BytesIO(path.read_bytes()), extra)
    except DAMAGE as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: torch cannot read it ({detail})") from error
    text = extra[CARD_PROPERTY]
    if not text:
        raise WeightsError(
            f"{path}: not a utkage file (no card); pass a file written by utkage export"
        )
    card = parse_card({CARD_PROPERTY: text.decode() if isinstance(text, bytes) else text}, path)
    return TorchPredictor(ProgramGraph(program), card, CPU.torch)


def _example(graph: ExportGraph) -> Tensor:
    # Two chips, because the exporter would fix a batch of one.
    size = graph.card.contract.size
    return torch.zeros((2, size, size, 3), dtype=torch.uint8)
