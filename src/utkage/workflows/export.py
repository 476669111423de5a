"""``export``: weights as a file for other runtimes, proven to give the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError, UsageError
from utkage.core.files import replacing
from utkage.core.reporter import Reporter, SilentReporter
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.engines.exporting.parity import Parity

FORMATS = ("onnx",)
PARITY_CHIPS = 256
# Several sizes of batch, one chip alone among them, since exporters like to bake sizes in.
PARITY_BATCHES = (1, 7, 56, 64, 64, 64)


@dataclass(frozen=True)
class ExportRequest:
    """What to write.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        format: One of ``FORMATS``.
        out: The file; None: ``<weights name>.onnx`` in the working directory.
        flip: Write the flip averaging into the graph, so that it answers as ``predict`` does.
    """

    weights: str = "auto"
    format: str = "onnx"
    out: Path | None = None
    flip: bool = True

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(f"--format {self.format}: choose one of {', '.join(FORMATS)}")


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The file.
        size: Its length, bytes.
        weights: The weights it came from.
        parity: The measured agreement.
    """

    path: Path
    size: int
    weights: Path
    parity: Parity


def export(request: ExportRequest, reporter: Reporter | None = None) -> ExportResult:
    """Write the file, compare it with torch on drawn chips, and only then give it its name.

    Raises:
        UsageError: unknown weights.
        ParityError: ONNX Runtime and torch disagree; no file is left behind.
    """
    import torch

    from utkage.engines.exporting.onnx_file import write_onnx
    from utkage.engines.exporting.parity import compare, drawn_chips
    from utkage.engines.inference.onnx_predictor import open_onnx_file
    from utkage.engines.inference.predictor import TorchPredictor
    from utkage.models.systems import build_graph
    from utkage.models.weights import load_weights

    reporter = reporter or SilentReporter()
    weights_path, origin = resolve_weights(request.weights)
    reporter.info(f"weights {weights_path} ({origin})")
    weights = load_weights(weights_path)
    card = weights.card
    graph = build_graph(weights, str(weights_path), flip=request.flip)
    out = request.out or Path(f"{weights_path.stem}.onnx")
    if out.is_dir():
        raise UsageError(f"--out {out}: is a folder; name a file, such as {out}/faces.onnx")
    with reporter.progress("exporting", 2) as task, replacing(out) as partial:
        fingerprints = weights.fingerprints.numpy()
        write_onnx(graph, card, partial, flip=request.flip, fingerprints=fingerprints)
        task.advance(1, "comparing with ONNX Runtime")
        chips = drawn_chips(PARITY_CHIPS, card.contract.size)
        batches, first = [], 0
        for count in PARITY_BATCHES:
            batches.append(chips[first : first + count])
            first += count
        parity = compare(
            TorchPredictor(graph, card, torch.device("cpu")), open_onnx_file(partial), batches
        )
        parity.require(out)
        task.advance(1)
    return ExportResult(out, out.stat().st_size, weights_path, parity)
