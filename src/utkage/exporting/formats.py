"""The export formats by name: how each is written, and how it is run to be compared.

Importing this module imports neither torch nor a runtime; writing and running do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError
from utkage.exporting.precision import Precision
from utkage.prediction.chip_predictor import ChipPredictor

if TYPE_CHECKING:
    from utkage.models.export_graph import ExportGraph


@dataclass(frozen=True)
class ExportFormat:
    """A format.

    Attributes:
        name: As in ``--format``.
        suffix: Of its files.
        runtime: The package that runs them.
        write: Writes a graph, given the file, texts to store inside by name
            (``models.export_metadata.card_metadata``) and the precision.
        open: Runs a file.
        precisions: Those that it can be written in.
    """

    name: str
    suffix: str
    runtime: str
    write: Callable[[ExportGraph, Path, Mapping[str, str], Precision], None]
    open: Callable[[Path], ChipPredictor]
    precisions: tuple[str, ...] = ("fp32",)


def _write_onnx(
    graph: ExportGraph, path: Path, properties: Mapping[str, str], precision: Precision
) -> None:
    from utkage.exporting.onnx_file import write_onnx

    write_onnx(graph, path, properties, precision)


def _open_onnx(path: Path) -> ChipPredictor:
    from utkage.prediction.onnx_predictor import open_onnx_file

    return open_onnx_file(path)


def _write_torchscript(
    graph: ExportGraph, path: Path, properties: Mapping[str, str], precision: Precision
) -> None:
    from utkage.exporting.torch_files import write_torchscript

    write_torchscript(graph, path, properties)


def _open_torchscript(path: Path) -> ChipPredictor:
    from utkage.exporting.torch_files import open_torchscript

    return open_torchscript(path)


def _write_pt2(
    graph: ExportGraph, path: Path, properties: Mapping[str, str], precision: Precision
) -> None:
    from utkage.exporting.torch_files import write_pt2

    write_pt2(graph, path, properties)


def _open_pt2(path: Path) -> ChipPredictor:
    from utkage.exporting.torch_files import open_pt2

    return open_pt2(path)


#: All there are, by name.
FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        found.name: found
        for found in (
            ExportFormat(
                "onnx",
                ".onnx",
                "onnxruntime",
                _write_onnx,
                _open_onnx,
                ("fp32", "fp16", "int8"),
            ),
            ExportFormat(
                "torchscript", ".torchscript", "torch", _write_torchscript, _open_torchscript
            ),
            ExportFormat("pt2", ".pt2", "torch", _write_pt2, _open_pt2),
        )
    }
)


def get_format(name: str) -> ExportFormat:
    """Look up a format.

    Raises:
        ConfigError: none has this name; the message lists those there are.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ConfigError(f"`format` {name}: choose one of {', '.join(FORMATS)}") from None
