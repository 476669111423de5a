"""``export``: weights as a file for other runtimes, proven to give the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.core.files import file_hash, replacing, write_json
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.engines.exporting.formats import get_format
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.engines.exporting.parity import Parity
    from utkage.faces.contract import CropContract

SCHEMA = 1
DRAWN_CHIPS = 256
# Real faces, spread over those given: more would tell no more.
REAL_CHIPS = 512
# Several sizes of batch, one chip alone among them, since exporters like to bake sizes in.
PARITY_BATCHES = (1, 7, 56, 64)


@dataclass(frozen=True)
class ExportRequest:
    """What to write.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        format: One of ``engines.exporting.formats.FORMATS``.
        out: The file; None: the name of the weights in the working directory.
        data: A prepared set, of which the validation split is taken, or labelled pictures: real
            faces to compare besides drawn ones.
        flip: Write the flip averaging into the graph, so that it answers as ``predict`` does.
    """

    weights: str = "auto"
    format: str = "onnx"
    out: Path | None = None
    data: Path | None = None
    flip: bool = True

    def __post_init__(self) -> None:
        get_format(self.format)


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The file.
        format: Its format.
        size: Its length, bytes.
        weights: The weights it came from.
        parity: The measured agreement, which is also in ``parity_file``.
        parity_file: JSON beside the file.
    """

    path: Path
    format: str
    size: int
    weights: Path
    parity: Parity
    parity_file: Path


def export(request: ExportRequest, reporter: Reporter | None = None) -> ExportResult:
    """Write the file, compare it with torch on chips, and only then give it its name.

    Raises:
        UsageError: unknown weights or data.
        DataError: no usable face in the data.
        ParityError: the runtime of the format and torch disagree; no file is left behind.
    """
    import torch

    from utkage.engines.exporting.parity import compare
    from utkage.engines.inference.predictor import TorchPredictor
    from utkage.models.onnx_metadata import file_properties
    from utkage.models.systems import build_graph
    from utkage.models.weights import load_weights

    reporter = reporter or SilentReporter()
    weights_path, origin = resolve_weights(request.weights)
    reporter.info(f"weights {weights_path} ({origin})")
    weights = load_weights(weights_path)
    form, card = get_format(request.format), weights.card
    graph = build_graph(weights, str(weights_path), flip=request.flip)
    out = request.out or Path(f"{weights_path.stem}{form.suffix}")
    if out.is_dir():
        raise UsageError(f"--out {out}: is a folder; name a file, such as {out}/faces{form.suffix}")
    chips = _chips(request, card.contract, reporter)
    properties = file_properties(card, weights.fingerprints.numpy(), flip=request.flip)
    with reporter.progress("exporting", 2) as task, replacing(out) as partial:
        form.write(graph, card, partial, properties)
        task.advance(1, f"comparing with {form.runtime}")
        parity = compare(
            TorchPredictor(graph, card, torch.device("cpu")), form.open(partial), _batches(chips)
        )
        parity.require(out, form.runtime)
        task.advance(1)
    kept = out.with_suffix(".parity.json")
    result = ExportResult(
        out, form.name, out.stat().st_size, weights_path, parity, parity_file=kept
    )
    write_json(kept, _parity_record(request, result, len(chips) - DRAWN_CHIPS))
    return result


def _chips(request: ExportRequest, contract: CropContract, reporter: Reporter) -> NDArray[np.uint8]:
    """The chips to compare on, (N, S, S, 3): drawn ones first."""
    from utkage.engines.exporting.parity import drawn_chips
    from utkage.images.resize import resize_square
    from utkage.workflows.labelled_faces import FaceChoice, labelled_faces

    chips = drawn_chips(DRAWN_CHIPS, contract.size)
    if request.data is None:
        return chips
    choice = FaceChoice(request.data, "val", allow_crop=True)
    faces = labelled_faces(choice, contract, reporter).chips
    spread = np.linspace(0, len(faces) - 1, min(REAL_CHIPS, len(faces))).astype(np.int64)
    real = (resize_square(chip, contract.size) for chip in faces.pixels[faces.rows[spread]])
    return np.concatenate([chips, np.stack(list(real))])


def _batches(chips: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    starts = np.cumsum(PARITY_BATCHES)
    regular = np.arange(starts[-1], len(chips), PARITY_BATCHES[-1])[1:]
    return np.split(chips, [*starts, *regular])


def _parity_record(request: ExportRequest, result: ExportResult, real: int) -> dict[str, Any]:
    """The documented object of ``parity.json``."""
    from utkage.engines.exporting.parity import MAX_AGE_DIFFERENCE, MAX_PROBABILITY_DIFFERENCE

    form = get_format(request.format)
    return {
        "schema": SCHEMA,
        "file": result.path.name,
        "hash": file_hash(result.path),
        "format": form.name,
        "runtime": form.runtime,
        "weights": str(result.weights),
        "flip": request.flip,
        "drawn_chips": DRAWN_CHIPS,
        "real_chips": real,
        **result.parity.to_dict(),
        "limits": {
            "age": MAX_AGE_DIFFERENCE,
            "probability": MAX_PROBABILITY_DIFFERENCE,
            "range_flips": 0,
            "gender_flips": 0,
        },
        "versions": versions(),
    }
