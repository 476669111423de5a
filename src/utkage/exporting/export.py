"""``export``: weights as a file for other runtimes, proven to give the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ParityError, UsageError
from utkage.core.files import file_hash, replacing, write_json
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.versions import versions
from utkage.exporting.formats import get_format
from utkage.models.locate import resolve_weights

if TYPE_CHECKING:
    from utkage.exporting.parity import Parity
    from utkage.faces.contract import CropContract
    from utkage.prediction.predictions import Predictions

SCHEMA = 2
SYNTHETIC_CHIPS = 256
# Real faces, spread over those given: more would tell no more.
REAL_CHIPS = 512
# One real face of so many goes into measuring ranges of activations, and is not compared.
CALIBRATION_SHARE = 4
# Several sizes of batch, one chip alone among them, since exporters like to bake sizes in.
PARITY_BATCHES = (1, 7, 56, 64)


@dataclass(frozen=True)
class ExportRequest:
    """What to write.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        format: One of ``exporting.formats.FORMATS``.
        out: The file; None: the name of the weights in the working directory.
        data: A prepared set, of which the validation split is taken, or labelled pictures: real
            faces to compare besides drawn ones.
        flip: Write the flip averaging into the graph, so that it answers as ``predict`` does.
        precision: One of ``exporting.precision.PRECISIONS`` that the format has.
        any_size: Let the file take chips of any size, and resize them inside.
        interval: Level of the age interval that it answers, 0..1.
    """

    weights: str = "auto"
    format: str = "onnx"
    out: Path | None = None
    data: Path | None = None
    flip: bool = True
    precision: str = "fp32"
    any_size: bool = False
    interval: float = 0.8

    def __post_init__(self) -> None:
        form = get_format(self.format)
        if self.precision not in form.precisions:
            raise ConfigError(
                f"`precision` {self.precision}: `format` {self.format} is written in "
                f"{', '.join(form.precisions)}"
            )
        if not 0 < self.interval < 1:
            raise ConfigError(f"`interval` {self.interval}: a level between 0 and 1")


@dataclass(frozen=True)
class LabelledErrors:
    """Errors on the real faces that were compared.

    Attributes:
        n: Number of faces.
        mae: Of the weights, years.
        mae_exported: Of the file, years.
    """

    n: int
    mae: float
    mae_exported: float

    def require(self, path: Path, limit: float | None) -> None:
        """Close the gate where the error grew too much.

        Raises:
            ParityError: by more than ``limit`` years.
        """
        if limit is not None and not self.mae_exported - self.mae <= limit:
            raise ParityError(
                f"{path}: not written, because its MAE on {self.n} faces is "
                f"{self.mae_exported:.3f} years, more than {limit} above the "
                f"{self.mae:.3f} of the weights"
            )


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        path: The file.
        format: Its format.
        precision: Its precision.
        size: Its length, bytes.
        weights: The weights it came from.
        parity: The measured agreement, which is also in ``parity_file``.
        errors: On real faces; None without any.
        parity_file: JSON beside the file.
    """

    path: Path
    format: str
    precision: str
    size: int
    weights: Path
    parity: Parity
    errors: LabelledErrors | None
    parity_file: Path


def export(request: ExportRequest, reporter: Reporter | None = None) -> ExportResult:
    """Write the file, compare it with torch on chips, and only then give it its name.

    Raises:
        UsageError: unknown weights or data.
        DataError: no usable face in the data.
        ParityError: the runtime of the format and torch disagree; no file is left behind.
    """
    import torch

    from utkage.exporting.parity import answers, compare
    from utkage.exporting.precision import Precision
    from utkage.models.export_graph import ExportGraph
    from utkage.models.export_metadata import card_metadata, public_metadata
    from utkage.models.systems import build_graph
    from utkage.models.weights_files import load_weights
    from utkage.prediction.chip_predictor import TorchPredictor

    reporter = reporter or SilentReporter()
    resolved = resolve_weights(request.weights)
    weights_path = resolved.path
    reporter.info(f"weights {weights_path} ({resolved.origin})")
    weights = load_weights(weights_path)
    form, card = get_format(request.format), weights.card
    out = request.out or Path(f"{weights_path.stem}{form.suffix}")
    if out.is_dir():
        raise UsageError(f"`out` {out}: is a folder; name a file, such as {out}/faces{form.suffix}")
    chips = _chips(request, card.contract, reporter)
    precision = Precision(request.precision, chips.calibration)
    graph = build_graph(weights, str(weights_path), flip=request.flip)
    whole = ExportGraph(graph, card, interval=request.interval, any_size=request.any_size)
    properties = {
        **card_metadata(card, weights.fingerprints.numpy(), flip=request.flip),
        **public_metadata(
            card, file_hash(weights_path), request.precision, request.interval, request.any_size
        ),
    }
    batches = _batches(chips.compared)
    with reporter.progress("exporting", 3) as task, replacing(out) as partial:
        form.write(whole.eval(), partial, properties, precision)
        task.advance(1, "answering with torch")
        expected = answers(TorchPredictor(graph, card, torch.device("cpu")), batches)
        task.advance(1, f"answering with {form.runtime}")
        found = answers(form.open(partial), batches)
        parity = compare(expected, found, card.point_estimate, precision.limits.tie)
        parity.require(out, form.runtime, precision.limits)
        errors = _errors(chips, expected, found)
        if errors is not None:
            errors.require(out, precision.limits.mae_growth)
        task.advance(1)
    result = ExportResult(
        path=out,
        format=form.name,
        precision=request.precision,
        size=out.stat().st_size,
        weights=weights_path,
        parity=parity,
        errors=errors,
        parity_file=out.with_suffix(".parity.json"),
    )
    write_json(result.parity_file, _parity_record(request, result))
    return result


@dataclass(frozen=True)
class _Chips:
    """Chips (N, S, S, 3) for the comparison, and those for ranges of activations.

    ``ages`` are the labels of the last of ``compared``, which are real; the first are drawn.
    """

    compared: NDArray[np.uint8]
    ages: NDArray[np.int64]
    calibration: NDArray[np.uint8]


def _chips(request: ExportRequest, contract: CropContract, reporter: Reporter) -> _Chips:
    from utkage.evaluation.labelled_faces import FaceSelection, labelled_faces
    from utkage.exporting.parity import synthetic_chips
    from utkage.images.resize import resize_square

    drawn = synthetic_chips(SYNTHETIC_CHIPS, contract.size)
    if request.data is None:
        # Others than those that are compared, which would flatter.
        ranges = synthetic_chips(SYNTHETIC_CHIPS, contract.size, seed=1)
        return _Chips(drawn, np.empty(0, np.int64), ranges)
    choice = FaceSelection(data=request.data, split="val", allow_crop=True)
    faces = labelled_faces(choice, contract, reporter).chips
    spread = np.linspace(0, len(faces) - 1, min(REAL_CHIPS, len(faces))).astype(np.int64)
    real = np.stack(
        [resize_square(chip, contract.size) for chip in faces.pixels[faces.rows[spread]]]
    )
    if request.precision != "int8":
        return _Chips(np.concatenate([drawn, real]), faces.ages[spread], drawn)
    aside = np.arange(len(real)) % CALIBRATION_SHARE == 0
    compared = np.concatenate([drawn, real[~aside]])
    return _Chips(compared, faces.ages[spread][~aside], real[aside])


def _batches(chips: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    starts = np.cumsum(PARITY_BATCHES)
    regular = np.arange(starts[-1], len(chips), PARITY_BATCHES[-1])[1:]
    return np.split(chips, [*starts, *regular])


def _errors(chips: _Chips, expected: Predictions, found: Predictions) -> LabelledErrors | None:
    n = len(chips.ages)
    if not n:
        return None
    mae, mae_exported = (
        float(np.abs(own.age[-n:] - chips.ages).mean()) for own in (expected, found)
    )
    return LabelledErrors(n, mae, mae_exported)


def _parity_record(request: ExportRequest, result: ExportResult) -> dict[str, Any]:
    """The documented object of ``parity.json``."""
    from utkage.exporting.precision import PRECISIONS

    return {
        "schema": SCHEMA,
        "file": result.path.name,
        "hash": file_hash(result.path),
        "bytes": result.size,
        "format": result.format,
        "precision": result.precision,
        "runtime": get_format(result.format).runtime,
        "weights": str(result.weights),
        "flip": request.flip,
        "any_size": request.any_size,
        "interval": request.interval,
        "drawn_chips": SYNTHETIC_CHIPS,
        "real_chips": result.parity.chips - SYNTHETIC_CHIPS,
        **result.parity.to_dict(),
        "errors": None if result.errors is None else vars(result.errors),
        "limits": PRECISIONS[result.precision].to_dict(),
        "versions": versions(),
    }
