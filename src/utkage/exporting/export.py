"""``export``: weights as a file for other runtimes, checked to give the same predictions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import CPU
from utkage.core.errors import ConfigError, DataError, ParityError, UsageError
from utkage.core.files import file_hash, replacing, write_json
from utkage.core.memory_errors import explaining_memory_errors
from utkage.core.outputs import contains, require_output
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.single_writer import holding_files
from utkage.core.versions import versions
from utkage.exporting.precision import DEFAULT_PRECISION, PRECISIONS
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights

if TYPE_CHECKING:
    from utkage.exporting.parity import Parity
    from utkage.faces.contract import CropContract
    from utkage.prediction.predictions import Predictions

SCHEMA = 2
SYNTHETIC_CHIPS = 256
# Largest number of real faces, evenly spaced over those given: more would not change the result.
REAL_CHIPS = 512
# Every Nth real face is used to calibrate int8 instead of being compared.
CALIBRATION_SHARE = 4
# Several batch sizes, including a single chip, because exporters tend to fix the batch size. Memory
# grows with the largest.
PARITY_BATCHES = (1, 7, 24, 32)


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """The arguments of an export.

    Attributes:
        weights: Weights, as in ``models.locate.resolve_weights``.
        format: One of ``exporting.formats.FORMATS``.
        out: The file; None for the name of the weights in the working directory.
        data: Real faces for the comparison, besides the synthetic chips: a prepared set, whose
            validation split is used, or labelled pictures.
        flip: Whether the graph averages with the mirrored chip, as ``predict`` does.
        precision: One of ``exporting.precision.PRECISIONS`` that the format supports.
        any_size: Whether the file takes chips of any size and resizes them.
        interval: Level of the predicted age interval, 0..1.
        opset: Operator set of an ONNX file; the default is the oldest that holds the graph.
        overwrite: Whether ``out`` may replace a file that is not an earlier export of the format.
    """

    weights: str | Path | LoadedWeights = "auto"
    format: str = "onnx"
    out: Path | None = None
    data: Path | None = None
    flip: bool = True
    precision: str = DEFAULT_PRECISION
    any_size: bool = False
    interval: float = 0.8
    opset: int = 18
    overwrite: bool = False

    def __post_init__(self) -> None:
        from utkage.exporting.formats import get_format
        from utkage.exporting.onnx_file import OPSETS

        precisions = get_format(self.format).precisions
        if self.precision not in precisions:
            raise ConfigError(
                f"`precision` {self.precision}: `format` {self.format} supports "
                f"{', '.join(precisions)}"
            )
        if not 0 < self.interval < 1:
            raise ConfigError(
                f"`interval` {self.interval}: use a level between 0 and 1, such as 0.8"
            )
        if self.opset not in OPSETS:
            raise ConfigError(f"`opset` {self.opset}: choose {OPSETS[0]} to {OPSETS[-1]}")
        if self.opset != OPSETS[0] and self.format != "onnx":
            raise ConfigError(f"`opset` is for ONNX files, not for `format={self.format}`")


@dataclass(frozen=True)
class LabelledErrors:
    """Mean absolute errors of weights and exported file on ``n`` real faces, years."""

    n: int
    mae: float
    mae_exported: float

    def require(self, path: Path, limit: float | None) -> None:
        """Raise a ``ParityError`` if the file's MAE is more than ``limit`` years above."""
        if limit is not None and not self.mae_exported - self.mae <= limit:
            raise ParityError(
                f"{path}: not written, because its MAE on {self.n} faces is "
                f"{self.mae_exported:.3f} years, more than {limit} above the "
                f"{self.mae:.3f} of the weights"
            )


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """An exported file of ``size`` bytes.

    Attributes:
        weights: The weights file it came from.
        parity: Differences from the weights; ``parity_file``, a JSON file, contains them, too.
        real_parity: Those on the real faces alone; None if there were none.
        errors: Age errors on real faces; None if there were none.
    """

    path: Path
    format: str
    precision: str
    size: int
    weights: Path
    parity: Parity
    real_parity: Parity | None
    errors: LabelledErrors | None
    parity_file: Path


@explaining_memory_errors("close other programs, or export without `data`")
def export(request: ExportRequest, reporter: Reporter | None = None) -> ExportResult:
    """Write the file, compare it with torch on chips, and only then give it its name.

    Raises:
        UsageError: unknown weights or data, or a file that must not be replaced or that another
            process is writing.
        DataError: no usable face in the data.
        ParityError: the runtime of the format and torch disagree; no file is left behind.
    """
    from utkage.exporting.formats import get_format

    reporter = reporter or SilentReporter()
    weights = resolve_weights(request.weights)
    reporter.info(f"weights {weights.path} ({weights.origin})")
    form = get_format(request.format)
    out = request.out or Path(f"{weights.path.stem}{form.suffix}")
    if out.is_dir():
        raise UsageError(f"`out` {out}: is a folder; name a file, such as {out}/faces{form.suffix}")
    out = form.with_suffix(out)
    _check_output(request, out, form.suffix, weights.path)
    with holding_files(out, _parity_path(out)):
        # Whoever held the files before may have made them.
        _check_output(request, out, form.suffix, weights.path)
        return _export(request, weights, out, reporter)


def _export(
    request: ExportRequest, weights: LoadedWeights, out: Path, reporter: Reporter
) -> ExportResult:
    from utkage.exporting.formats import get_format
    from utkage.exporting.parity import compare, predict_batches
    from utkage.models.export_graph import ExportGraph
    from utkage.models.systems import build_graph
    from utkage.prediction.chip_predictor import TorchPredictor

    form, card, limits = get_format(request.format), weights.card, PRECISIONS[request.precision]
    graph = build_graph(weights.content, str(weights.path), flip=request.flip)
    whole = ExportGraph(graph, card, interval=request.interval, any_size=request.any_size).eval()
    chips = _comparison_chips(request, card.contract, reporter)
    batches = _batches(chips.compared)
    with reporter.progress("exporting", 3) as task, replacing(out) as partial:
        form.write(
            whole,
            partial,
            _metadata(request, weights),
            request.precision,
            chips.calibration,
            request.opset,
        )
        task.advance(1, "predicting with torch")
        expected = predict_batches(TorchPredictor(graph, card, CPU.torch), batches)
        task.advance(1, f"predicting with {form.runtime}")
        exported = predict_batches(form.open(partial), batches)
        parity = compare(expected, exported, card.point_estimate, limits.tie)
        parity.require(out, form.runtime, limits)
        n = len(chips.ages)
        real_parity = (
            compare(expected[-n:], exported[-n:], card.point_estimate, limits.tie) if n else None
        )
        errors = _labelled_errors(chips, expected, exported)
        if errors is not None:
            errors.require(out, limits.mae_growth)
        task.advance(1)
    result = ExportResult(
        path=out,
        format=form.name,
        precision=request.precision,
        size=out.stat().st_size,
        weights=weights.path,
        parity=parity,
        real_parity=real_parity,
        errors=errors,
        parity_file=_parity_path(out),
    )
    write_json(result.parity_file, _parity_record(request, result, form.runtime))
    return result


def _check_output(request: ExportRequest, out: Path, suffix: str, weights: Path) -> None:
    from utkage.models.export_metadata import CARD_PROPERTY

    inputs = [weights] if request.data is None else [weights, request.data]
    require_output(
        out,
        "out",
        inputs=inputs,
        is_ours=lambda path: path.suffix.lower() == suffix and contains(path, CARD_PROPERTY),
        overwrite=request.overwrite,
    )
    require_output(
        _parity_path(out),
        "out",
        inputs=inputs,
        is_ours=lambda path: contains(path, '"max_median_difference"'),
        overwrite=request.overwrite,
    )


def _parity_path(out: Path) -> Path:
    # With the suffix of the file, so that files of two formats keep one each.
    return out.with_name(f"{out.name}.parity.json")


@dataclass(frozen=True)
class _Chips:
    """Chips (N, S, S, 3) for the comparison and for the calibration of int8.

    ``ages`` are the labels of the real faces, which follow the synthetic chips in ``compared``.
    """

    compared: NDArray[np.uint8]
    ages: NDArray[np.int64]
    calibration: NDArray[np.uint8]


def _comparison_chips(request: ExportRequest, contract: CropContract, reporter: Reporter) -> _Chips:
    from utkage.evaluation.inputs.labelled_faces import FaceSelection, labelled_faces
    from utkage.exporting.parity import synthetic_chips
    from utkage.faces.recrop import recrop

    synthetic = synthetic_chips(SYNTHETIC_CHIPS, contract.size)
    if request.data is None:
        none = np.empty(0, np.int64)
        if request.precision != "int8":
            return _Chips(synthetic, none, synthetic)
        # Calibrating on the compared chips would make them look too good.
        return _Chips(synthetic, none, synthetic_chips(SYNTHETIC_CHIPS, contract.size, seed=1))
    selection = FaceSelection(data=request.data, split="val", allow_crop=True)
    faces = labelled_faces(selection, contract, reporter).chips
    faces = faces.take(np.flatnonzero(faces.fully_labelled))
    if not len(faces):
        raise DataError(f"{request.data}: no face has an age in whole years and a gender")
    chosen = np.linspace(0, len(faces) - 1, min(REAL_CHIPS, len(faces))).astype(np.int64)
    real = recrop(faces.pixels[faces.rows[chosen]], faces.contract, contract)
    ages = faces.ages[chosen]
    if request.precision != "int8":
        return _Chips(np.concatenate([synthetic, real]), ages, synthetic)
    calibrates = np.arange(len(real)) % CALIBRATION_SHARE == 0
    compared = np.concatenate([synthetic, real[~calibrates]])
    return _Chips(compared, ages[~calibrates], real[calibrates])


def _batches(chips: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    starts = np.cumsum(PARITY_BATCHES)
    regular = np.arange(starts[-1], len(chips), PARITY_BATCHES[-1])[1:]
    return np.split(chips, [*starts, *regular])


def _labelled_errors(
    chips: _Chips, expected: Predictions, exported: Predictions
) -> LabelledErrors | None:
    n = len(chips.ages)
    if not n:
        return None
    maes = (float(np.abs(one.age[-n:] - chips.ages).mean()) for one in (expected, exported))
    return LabelledErrors(n, *maes)


def _metadata(request: ExportRequest, weights: LoadedWeights) -> dict[str, str]:
    from utkage.models.export_metadata import card_metadata, public_metadata

    return {
        **card_metadata(weights.card, weights.fingerprints, flip=request.flip),
        **public_metadata(
            weights.card, weights.file_hash, request.precision, request.interval, request.any_size
        ),
    }


def _parity_record(request: ExportRequest, result: ExportResult, runtime: str) -> dict[str, Any]:
    """The content of ``FILE.parity.json``, documented in ``docs/formats.md``."""
    return {
        "schema": SCHEMA,
        "file": result.path.name,
        "hash": file_hash(result.path),
        "bytes": result.size,
        "format": result.format,
        "precision": result.precision,
        "runtime": runtime,
        "weights": str(result.weights),
        "flip": request.flip,
        "any_size": request.any_size,
        "interval": request.interval,
        "drawn_chips": SYNTHETIC_CHIPS,
        "real_chips": result.parity.chips - SYNTHETIC_CHIPS,
        **asdict(result.parity),
        "real_faces": None if result.real_parity is None else asdict(result.real_parity),
        "errors": None if result.errors is None else asdict(result.errors),
        "limits": asdict(PRECISIONS[result.precision]),
        "versions": versions(),
    }
