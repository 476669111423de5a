"""``evaluate --calibrate``: fit a calibration to validation faces and keep it in the weights."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.errors import UsageError, WeightsError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.evaluation.labelled_faces import (
    FaceSelection,
    LabelledFaces,
    guard_leakage,
    labelled_faces,
)
from utkage.models.locate import is_shipped, resolve_weights
from utkage.models.safetensors_file import rewrite_card
from utkage.models.weights import AGE_BIAS, RANGE_BIAS
from utkage.models.weights_files import PLAIN_SUFFIXES, load_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from utkage.models.calibration import Calibration
    from utkage.models.card import Card
    from utkage.models.weights import Weights
    from utkage.prediction.predictions import Predictions


@dataclass(frozen=True)
class Answering:
    """How weights are asked.

    Attributes:
        device: As in ``--device``.
        flip: Average each answer with that for the mirrored chip.
    """

    device: str = "auto"
    flip: bool = True


DEFAULT = Answering()


@dataclass(frozen=True)
class CalibrateRequest:
    """What to calibrate, and on which faces.

    Attributes:
        faces: Validation faces: by default the validation split of the prepared set. Never those
            that figures are reported for.
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``--device``.
        flip: Fit to answers that are averaged with those for the mirrored chip, as ``predict``
            gives them.
        out: The file to write; None: the weights file itself, whose card is replaced.
        age_prior: First correct how common each age is taken to be.
    """

    faces: FaceSelection = field(default_factory=lambda: FaceSelection(split="val"))
    weights: str = "auto"
    device: str = "auto"
    flip: bool = True
    out: Path | None = None
    age_prior: bool = False

    def __post_init__(self) -> None:
        if self.faces.split == "test":
            raise UsageError(
                "`calibrate` on the test split would leave nothing to test with; use `split=val`"
            )


@dataclass(frozen=True)
class CalibrateResult:
    """What was fitted.

    Attributes:
        calibration: What the card holds now.
        weights: The weights file that was read.
        out: The file that was written.
    """

    calibration: Calibration
    weights: Path
    out: Path

    def to_dict(self) -> dict[str, Any]:
        """The documented object of ``evaluate --calibrate --json``."""
        return {
            "schema": 1,
            "weights": str(self.weights),
            "out": str(self.out),
            "calibration": asdict(self.calibration),
        }


def calibrate(request: CalibrateRequest, reporter: Reporter | None = None) -> CalibrateResult:
    """Fit a calibration and write it into the card of a weights file, atomically.

    Of the tensors only the bias of the head for ages, or for ranges, is touched, and that only if
    an age prior is asked for. A calibration that is there already is replaced.

    Raises:
        UsageError: no data, unknown weights or device, or a file that cannot hold a card.
        DataError: too few faces, or faces that the weights learned from.
        WeightsError: the weights are not ours.
    """
    reporter = reporter or SilentReporter()
    found = resolve_weights(request.weights)
    path = found.path
    out = _place(path, request.out)
    reporter.info(f"weights {path} ({found.origin})")
    weights = load_weights(path)
    faces = labelled_faces(request.faces, weights.card.contract, reporter)
    guard_leakage(faces.chips, weights.fingerprints.numpy(), request.faces, reporter)
    how = Answering(request.device, request.flip)
    vectors: dict[str, NDArray[np.float32]] = {}
    if request.age_prior:
        weights, vectors = with_age_prior(weights, faces, str(path), how, reporter)
    calibration = fit_weights(weights, faces, str(path), how, reporter)
    rewrite_card(path, replace(weights.card, calibration=calibration), out, vectors)
    return CalibrateResult(calibration, path, out)


def fit_weights(
    weights: Weights,
    faces: LabelledFaces,
    origin: str,
    how: Answering = DEFAULT,
    reporter: Reporter | None = None,
) -> Calibration:
    """Fit a calibration for ``weights`` to ``faces``, and write it nowhere.

    Args:
        weights: Of any system; a calibration in their card is not used.
        faces: That they did not learn from.
        origin: The weights file, for messages.
        how: How they are asked.
        reporter: Hears of progress.

    Raises:
        DataError: too few faces.
    """
    from utkage.evaluation.fit_calibration import fit_calibration

    chips = faces.chips
    predictions = _uncalibrated(weights, faces, origin, how, reporter)
    return fit_calibration(chips.ages, chips.genders, predictions, _described(faces, how))


def with_age_prior(
    weights: Weights,
    faces: LabelledFaces,
    origin: str,
    how: Answering = DEFAULT,
    reporter: Reporter | None = None,
) -> tuple[Weights, dict[str, NDArray[np.float32]]]:
    """Weights with the prior over ages that ``faces`` show, said in their lineage.

    It goes into the bias of the head that says how probable each age, or each age range, is.
    Arguments as ``fit_weights``.

    Returns:
        The weights, and what changed in them: tensors by name, as ``rewrite_card`` takes them.

    Raises:
        DataError: too few faces.
        WeightsError: they have no such head.
    """
    from utkage.evaluation.age_prior import fit_age_prior, fit_range_prior

    card = weights.card
    name = prior_bias(card, origin)
    chips = faces.chips
    predictions = _uncalibrated(weights, faces, origin, how, reporter)
    if name == AGE_BIAS:
        added = fit_age_prior(chips.ages, predictions.age_distribution)
    else:
        added = fit_range_prior(chips.ranges, predictions.range_probabilities)
    moved = weights.state[name] + weights.state[name].new_tensor(added)
    state = {**weights.state, name: moved}
    said = f"age prior fitted to {len(chips)} faces, {faces.split} of {faces.split_hash}"
    card = replace(card, lineage=(*card.lineage, said))
    return replace(weights, state=state, card=card), {name: moved.numpy()}


def prior_bias(card: Card, origin: str) -> str:
    """Name of the tensor into which an age prior goes.

    Args:
        card: Of the weights.
        origin: Their file, for messages.

    Raises:
        WeightsError: there is none: no softmax says how probable ages or ranges are.
    """
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
    how: Answering,
    reporter: Reporter | None,
) -> Predictions:
    from utkage.core.device import resolve_device
    from utkage.models.systems import build_graph
    from utkage.prediction.chip_predictor import TorchPredictor, predict_faces

    bare = replace(weights, card=replace(weights.card, calibration=None))
    predictor = TorchPredictor(
        build_graph(bare, origin, flip=how.flip), bare.card, resolve_device(how.device).torch
    )
    return predict_faces(predictor, faces.chips, reporter or SilentReporter(), "calibrating")


def _described(faces: LabelledFaces, how: Answering) -> dict[str, Any]:
    chips = faces.chips
    return {
        "split": faces.split,
        "split_hash": faces.split_hash,
        "sources": {name: int(chips.of_source(name).sum()) for name in chips.source_names},
        "flip": how.flip,
        "date": datetime.date.today().isoformat(),
    }


def _place(path: Path, out: Path | None) -> Path:
    if path.suffix in PLAIN_SUFFIXES:
        raise UsageError(f"{path}: has no card that could hold a calibration; use .safetensors")
    if out is None and is_shipped(path):
        raise UsageError(
            f"{path}: belongs to the installation; name a copy for the calibration, such as "
            "`out_weights=mine.safetensors`"
        )
    if out is not None and out.is_dir():
        raise UsageError(f"`out_weights` {out}: is a folder; name a file")
    return out or path
