"""The export formats by name: how to write each, and how to open it for the comparison.

To add a format, write two functions (graph to file, file to predictor) and add it to ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, UsageError
from utkage.exporting import onnx_file, torch_files
from utkage.exporting.precision import DEFAULT_PRECISION, PRECISIONS
from utkage.models.export_graph import ExportGraph
from utkage.prediction.chip_predictor import ChipPredictor
from utkage.prediction.onnx_predictor import open_onnx_file

# Folders: one for browsers, which ``export_web`` writes, and one for model hubs, ``export_hub``.
WEB = "web"
HUB = "hub"
# Suffixes of other runtimes, whose files are made from an exported one (docs/export.md).
FOREIGN_SUFFIXES = frozenset(
    {".tflite", ".mlmodel", ".mlpackage", ".mlmodelc", ".xml", ".bin", ".engine", ".plan", ".trt"}
    | {".pb", ".h5", ".hdf5", ".keras", ".ncnn", ".param", ".mnn", ".rknn", ".hef", ".gguf", ".ort"}
)


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """A file format.

    Attributes:
        runtime: Package that runs its files.
        write: Writes a graph; arguments as in ``onnx_file.write_onnx``.
    """

    name: str
    suffix: str
    runtime: str
    write: Callable[[ExportGraph, Path, Mapping[str, str], str, NDArray[np.uint8], int], None]
    open: Callable[[Path], ChipPredictor]
    precisions: tuple[str, ...] = (DEFAULT_PRECISION,)

    def with_suffix(self, path: Path) -> Path:
        """``path`` with a suffix by which utkage recognises the format; torch reads any.

        Raises:
            UsageError: the suffix is that of another format, which the file would not have.
        """
        suffix = path.suffix.lower()
        if suffix == self.suffix:
            return path
        if suffix in FOREIGN_SUFFIXES or suffix in {form.suffix for form in _ALL}:
            own = next((form.name for form in _ALL if form.suffix == suffix), None)
            problem = f"{suffix} is not the suffix of the format {self.name}"
            if own is None:
                problem += ", and utkage writes no such files"
            other = "" if own is None else f"pass `format={own}`, or "
            raise UsageError(
                f"`out` {path}: {problem}; {other}name a file that ends in {self.suffix}"
            )
        if suffix and self.runtime == "torch":
            return path
        return path.with_name(f"{path.name}{self.suffix}")


_ALL = (
    ExportFormat(
        name="onnx",
        suffix=".onnx",
        runtime="onnxruntime",
        write=onnx_file.write_onnx,
        open=open_onnx_file,
        precisions=tuple(PRECISIONS),
    ),
    ExportFormat(
        name="torchscript",
        suffix=".torchscript",
        runtime="torch",
        write=lambda graph, path, metadata, *_: torch_files.write_torchscript(
            graph, path, metadata
        ),
        open=torch_files.open_torchscript,
    ),
    ExportFormat(
        name="pt2",
        suffix=".pt2",
        runtime="torch",
        write=lambda graph, path, metadata, *_: torch_files.write_pt2(graph, path, metadata),
        open=torch_files.open_pt2,
    ),
)
#: All export formats by name.
FORMATS: Mapping[str, ExportFormat] = MappingProxyType({form.name: form for form in _ALL})


def get_format(name: str) -> ExportFormat:
    """Look up a format; a ``ConfigError`` lists all formats if there is none of this name."""
    if name in (WEB, HUB):
        raise ConfigError(
            f"`format` {name} is a folder; write it with utkage.exporting.export_{name}"
        )
    try:
        return FORMATS[name]
    except KeyError:
        formats = ", ".join((*FORMATS, WEB, HUB))
        raise ConfigError(f"`format` {name}: choose one of {formats}") from None


def require_no_other(given: Mapping[str, bool], purpose: str) -> None:
    """Raise a ``UsageError`` that names the first setting that is ``given`` without an effect."""
    for name in given:
        if given[name]:
            raise UsageError(f"`{name}` is for {purpose}; leave it out")
