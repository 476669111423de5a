"""``evaluate --calibrate``: fit a calibration to validation faces and store it in the weights."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import Device, resolve_device
from utkage.core.errors import DataError, UsageError, WeightsError
from utkage.core.memory_errors import explaining_memory_errors
from utkage.core.outputs import require_output, same_file
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.setting_checks import require_choice
from utkage.core.single_writer import holding_files, holding_folder
from utkage.core.text import counted
from utkage.evaluation.calibration.age_prior import fit_age_prior, fit_range_prior
from utkage.evaluation.calibration.fit_calibration import fit_calibration
from utkage.evaluation.inputs.labelled_faces import (
    FaceSelection,
    LabelledFaces,
    guard_leakage,
    labelled_faces,
    without_seen,
)
from utkage.models.calibration import Calibration
from utkage.models.card import MIRRORED_VIEWS, Card
from utkage.models.locate import BEST_NAME, LAST_NAME, is_shipped, resolve_weights
from utkage.models.weights import (
    AGE_BIAS,
    RANGE_BIAS,
    Weights,
    read_safetensors_card,
    rewrite_card,
)
from utkage.models.weights_files import PLAIN_SUFFIXES, LoadedWeights
from utkage.prediction.predictions import Predictions


@dataclass(frozen=True, kw_only=True)
class CalibrateRequest(FaceSelection):
    """What to calibrate, and on which validation faces (the fields of ``FaceSelection``).

    Metrics must not be reported for the faces of a calibration.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``core.device.resolve_device``.
        flip: Fit to predictions averaged with those for the mirrored chip, as in ``predict``.
        out: The file to write; None: the weights file itself, whose card is replaced.
        age_prior: First correct the prior over ages.
        mirrored_view: What flip averaging shows of the mirrored chip from now on, one of
            ``models.card.MIRRORED_VIEWS``; None: as in the card.
        overwrite: Whether ``out`` may replace a file that is not calibrated weights.
    """

    split: str = "val"
    weights: str = "auto"
    device: str = "auto"
    flip: bool = True
    out: Path | None = None
    age_prior: bool = False
    mirrored_view: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split == "test":
            raise UsageError(
                "`calibrate` on the test split would leave nothing to test with; use `split=val`"
            )
        if self.mirrored_view is not None:
            require_choice(self, "mirrored_view", MIRRORED_VIEWS)
            if not self.flip:
                raise UsageError("`mirrored_view` is for predictions with `flip`")


@dataclass(frozen=True)
class CalibrateResult:
    """A fitted calibration, the ``weights`` file that was read, and the one written (``out``)."""

    calibration: Calibration
    weights: Path
    out: Path

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``evaluate --calibrate --json``."""
        return {
            "schema": 1,
            "weights": str(self.weights),
            "out": str(self.out),
            "calibration": self.calibration.to_json(),
        }


@explaining_memory_errors("calibrate on fewer faces (`source`)")
def calibrate(request: CalibrateRequest, reporter: Reporter | None = None) -> CalibrateResult:
    """Fit a calibration and write it into the card of a weights file, atomically.

    An existing calibration is replaced. No tensor changes, except that an age prior changes the
    bias of the head for ages or ranges. A ``mirrored_view`` is written into the card.

    Raises:
        UsageError: no data, unknown weights or device, a file that cannot hold a card, or an
            output that must not be replaced or that another process is writing.
        DataError: too few faces, or training images of the weights.
        WeightsError: not a weights file of utkage.
    """
    reporter = reporter or SilentReporter()
    found = resolve_weights(request.weights)
    device = resolve_device(request.device)
    out = _output_file(found.path, request)
    reporter.info(f"weights {found.path} ({found.origin})")
    with holding_weights(out):
        return _calibrate(request, found, out, device, reporter)


def _calibrate(
    request: CalibrateRequest,
    found: LoadedWeights,
    out: Path,
    device: Device,
    reporter: Reporter,
) -> CalibrateResult:
    path, flip, weights = found.path, request.flip, found.content
    faces = labelled_faces(request, weights.card.contract, reporter)
    faces = _fully_labelled(faces, reporter)
    if request.skip_seen:
        faces = without_seen(faces, weights.fingerprints.numpy(), reporter)
    guard_leakage(faces.chips, weights.fingerprints.numpy(), request, reporter)
    origin = str(path)
    if request.mirrored_view is not None:
        weights = replace(weights, card=replace(weights.card, mirrored_view=request.mirrored_view))
    vectors: dict[str, NDArray[np.float32]] = {}
    if request.age_prior:
        weights, vectors = with_age_prior(
            weights, faces, origin, device=device, flip=flip, reporter=reporter
        )
    calibration = fit_weights(weights, faces, origin, device=device, flip=flip, reporter=reporter)
    rewrite_card(path, replace(weights.card, calibration=calibration), out, vectors)
    return CalibrateResult(calibration, path, out)


def _fully_labelled(faces: LabelledFaces, reporter: Reporter) -> LabelledFaces:
    """The faces that a calibration can be fitted to: with age in whole years and gender."""
    rows = np.flatnonzero(faces.chips.fully_labelled)
    if len(rows) == len(faces.chips):
        return faces
    if not len(rows):
        raise DataError(
            "no face has both an age in whole years and a gender, which a calibration needs; "
            "calibrate on other faces"
        )
    skipped = counted(len(faces.chips) - len(rows), "face")
    reporter.warn(f"{skipped} without an age in whole years or without gender skipped")
    return replace(faces, chips=faces.chips.take(rows))


def fit_weights(
    weights: Weights,
    faces: LabelledFaces,
    origin: str,
    *,
    device: str | Device = "auto",
    flip: bool = True,
    reporter: Reporter | None = None,
) -> Calibration:
    """Fit a calibration for ``weights`` to ``faces`` without writing it.

    A calibration in the card of the weights is ignored. ``faces`` must not be training images, and
    ``origin`` names the weights file in messages.

    Raises:
        DataError: too few faces.
    """
    chips = faces.chips
    predictions = _uncalibrated(weights, faces, origin, device, flip, reporter)
    fitted_on = {
        "split": faces.split,
        "split_hash": faces.split_hash,
        "sources": {name: int(chips.of_source(name).sum()) for name in chips.source_names},
        "flip": flip,
        "date": datetime.date.today().isoformat(),
    }
    sources = chips.sources if len(chips.source_names) > 1 else ()
    return fit_calibration(chips.ages, chips.genders, predictions, fitted_on, sources=sources)


def with_age_prior(
    weights: Weights,
    faces: LabelledFaces,
    origin: str,
    *,
    device: str | Device = "auto",
    flip: bool = True,
    share: float = 1.0,
    reporter: Reporter | None = None,
) -> tuple[Weights, dict[str, NDArray[np.float32]]]:
    """Weights whose prior over ages is corrected on ``faces``, with a line in their lineage.

    The correction is added to the bias of the head for ages, or for age ranges. ``share`` of it is
    added, 0..1: all of it fits the mix of ages in ``faces``, less suits photographs with
    another mix better. Other arguments as for ``fit_weights``.

    Returns:
        The weights, and the changed tensors by name, as ``rewrite_card`` takes them.

    Raises:
        DataError: too few faces.
        WeightsError: the weights have no such head.
    """
    card = weights.card
    name = _prior_bias(card, origin)
    chips = faces.chips
    predictions = _uncalibrated(weights, faces, origin, device, flip, reporter)
    if name == AGE_BIAS:
        correction = fit_age_prior(chips.ages, predictions.age_distribution)
    else:
        correction = fit_range_prior(chips.ranges, predictions.range_probabilities)
    bias = weights.state[name] + weights.state[name].new_tensor(share * correction)
    state = {**weights.state, name: bias}
    count = counted(len(chips), "face")
    part = "" if share == 1 else f"{share:g} of an "
    step = f"{part}age prior fitted to {count}, {faces.split} of {faces.split_hash}"
    card = replace(card, lineage=(*card.lineage, step))
    return replace(weights, state=state, card=card), {name: bias.numpy()}


def _prior_bias(card: Card, origin: str) -> str:
    """Name of the tensor that an age prior is added to."""
    if card.system == "seed":
        return RANGE_BIAS
    if (card.system, card.age_head) == ("multitask", "softmax"):
        return AGE_BIAS
    raise WeightsError(
        f"{origin}: an age prior needs the seed system, or a multitask system with a softmax age "
        f"head; this is {card.system} with {card.age_head}; leave `age_prior` out"
    )


def _uncalibrated(
    weights: Weights,
    faces: LabelledFaces,
    origin: str,
    device: str | Device,
    flip: bool,
    reporter: Reporter | None,
) -> Predictions:
    from utkage.models.systems import build_graph
    from utkage.prediction.chip_predictor import TorchPredictor, predict_faces

    bare = replace(weights, card=replace(weights.card, calibration=None))
    graph = build_graph(bare, origin, flip=flip)
    predictor = TorchPredictor(graph, bare.card, resolve_device(device).torch)
    return predict_faces(predictor, faces.chips, reporter or SilentReporter(), "calibrating")


def _output_file(path: Path, request: CalibrateRequest) -> Path:
    out = request.out
    if path.suffix in PLAIN_SUFFIXES:
        raise UsageError(f"{path}: has no card to store a calibration in; use .safetensors")
    if is_shipped(out or path):
        raise UsageError(
            f"{out or path}: belongs to the installation; name a copy for the calibration, such as "
            "`out_weights=mine.safetensors`"
        )
    if out is None or same_file(out, [path]):
        return path
    require_output(
        out,
        "out_weights",
        inputs=request.input_paths,
        is_ours=lambda file: _is_calibration_of(file, path),
        overwrite=request.overwrite,
    )
    return out


def _is_calibration_of(path: Path, weights: Path) -> bool:
    """Whether a file holds weights that were calibrated before; others may be the only copy."""
    try:
        earlier, card = read_safetensors_card(path), read_safetensors_card(weights)
    except (UsageError, WeightsError):
        return False
    same = (earlier.training, earlier.metrics) == (card.training, card.metrics)
    return same and earlier.calibration is not None


@contextmanager
def holding_weights(path: Path) -> Iterator[None]:
    """Hold a weights file while the body runs, and its run folder if it is one that train writes.

    Raises:
        UsageError: another process is writing there.
    """
    with ExitStack() as stack:
        if path.name in (BEST_NAME, LAST_NAME):
            stack.enter_context(holding_folder(path.parent, lambda name: False))
        stack.enter_context(holding_files(path))
        yield
