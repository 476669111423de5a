"""Writing and running programs of torch: TorchScript, and ``torch.export``'s archives (pt2).

Both hold code and weights, run in Python or C++ without utkage, and answer with a dictionary from
the names of the fields of ``ExportOutputs`` to tensors.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from utkage.core.errors import WeightsError
from utkage.core.files import write_bytes
from utkage.models.card import Card
from utkage.models.chip_graph import ChipOutputs
from utkage.models.export_graph import ExportGraph, ExportOutputs
from utkage.models.export_metadata import CARD_PROPERTY, parse_card
from utkage.prediction.chip_predictor import require_chips
from utkage.prediction.predictions import Predictions

Program = Callable[[Tensor], Mapping[str, Tensor]]


class NamedOutputs(nn.Module):
    """A graph from chips to answers as one to a dictionary, which needs none of our code."""

    def __init__(self, graph: ExportGraph) -> None:
        super().__init__()
        # Not "graph", which modules of torch.fx have for themselves.
        self.system = graph

    def forward(self, chips: Tensor) -> dict[str, Tensor]:
        """Answer for a batch of chips."""
        answers: ExportOutputs = self.system(chips)
        return answers._asdict()


class ProgramPredictor:
    """Runs a program from chips to named answers on the processor.

    Args:
        program: The program.
        card: Of the weights inside.
    """

    engine = "torch"

    def __init__(self, program: Program, card: Card) -> None:
        self.card = card
        self._program = program

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        """Answer for uint8 RGB chips (N, S, S, 3).

        Raises:
            UsageError: another shape or type.
        """
        require_chips(chips, self.card.contract)
        with torch.inference_mode():
            answers = self._program(torch.from_numpy(np.require(chips, np.uint8, ["C", "W"])))
        columns = (answers[name].double().numpy() for name in ChipOutputs._fields)
        return Predictions(*columns, calibration=self.card.calibration)


def write_torchscript(graph: ExportGraph, path: Path, properties: Mapping[str, str]) -> None:
    """Trace ``graph``, freeze it and write it to ``path``.

    Args:
        graph: From chips to answers.
        path: The file.
        properties: Texts to store beside it, by name, as extra files.
    """
    buffer = io.BytesIO()
    with _without_warnings(), torch.inference_mode():
        program = torch.jit.trace(  # type: ignore[no-untyped-call]
            NamedOutputs(graph).eval().cpu(), (_example(graph),), strict=False, check_trace=False
        )
        torch.jit.save(torch.jit.freeze(program), buffer, _extra_files=dict(properties))
    write_bytes(path, buffer.getvalue())


def write_pt2(graph: ExportGraph, path: Path, properties: Mapping[str, str]) -> None:
    """Write ``graph`` to ``path`` as an archive of ``torch.export`` with a dynamic batch.

    The arguments are those of ``write_torchscript``.
    """
    free = {0: torch.export.Dim("batch", min=1)}
    if graph.any_size:
        free[1], free[2] = (torch.export.Dim(name, min=32) for name in ("height", "width"))
    with _without_warnings():
        program = torch.export.export(
            NamedOutputs(graph).eval().cpu(), (_example(graph),), dynamic_shapes=(free,)
        )
        for node in program.graph.nodes:
            # Lines of our source, with folders of this machine.
            node.meta.pop("stack_trace", None)
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files=dict(properties))
    write_bytes(path, buffer.getvalue())


def open_torchscript(path: Path) -> ProgramPredictor:
    """Run a file of ``write_torchscript``.

    Raises:
        WeightsError: torch cannot read it, or it is not one of ours.
    """
    extra: dict[str, str | bytes] = {CARD_PROPERTY: ""}
    with _without_warnings(), _refusing(path):
        program = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(path.read_bytes()), "cpu", _extra_files=extra
        )
    return ProgramPredictor(program, _card(extra, path))


def open_pt2(path: Path) -> ProgramPredictor:
    """Run a file of ``write_pt2``.

    Raises:
        WeightsError: torch cannot read it, or it is not one of ours.
    """
    extra: dict[str, str | bytes] = {CARD_PROPERTY: ""}
    with _without_warnings(), _refusing(path):
        program = torch.export.load(io.BytesIO(path.read_bytes()), extra_files=extra).module()
    return ProgramPredictor(program, _card(extra, path))


def _example(graph: ExportGraph) -> Tensor:
    # Two chips, since a batch of one would be baked in.
    side = graph.card.contract.size
    return torch.zeros((2, side, side, 3), dtype=torch.uint8)


def _card(extra: Mapping[str, str | bytes], path: Path) -> Card:
    text = extra[CARD_PROPERTY]
    if not text:
        raise WeightsError(f"{path}: a file of another program; it has no card of utkage")
    return parse_card({CARD_PROPERTY: text.decode() if isinstance(text, bytes) else text}, path)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: torch cannot read it ({detail})") from error


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Torch says at each call that TorchScript will go; those who ask for it know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
