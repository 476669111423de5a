"""Initial weights of the gender network from the VGG-Face descriptor (Parkhi et al. 2015)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from utkage.core.errors import UsageError, WeightsError
from utkage.models.seed.published_formats import (
    LAYERS,
    Descriptor,
    read_keras,
    read_mat,
    read_torch,
)
from utkage.models.seed.vgg_face import SCALE, VggFace

READERS = {
    ".pth": read_torch,
    ".pt": read_torch,
    ".safetensors": read_torch,
    ".mat": read_mat,
    ".h5": read_keras,
    ".hdf5": read_keras,
}
CLASSIFIER = "fc8"


def read_vgg_face(path: Path) -> Descriptor:
    """Read the descriptor from any format of ``READERS``.

    Raises:
        UsageError: no such file, an unknown suffix, or a missing package for reading it.
        WeightsError: damaged, or not the sixteen layers.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file of VGG-Face weights")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: VGG-Face weights are {', '.join(READERS)} files, not {path.suffix or 'this'}"
        )
    descriptor = reader(path)
    for layer in LAYERS:
        for part in ("weight", "bias"):
            tensor = descriptor.state.get(f"{layer}.{part}")
            if tensor is None:
                raise WeightsError(f"{path}: has no {layer}.{part}; VGG-Face has {LAYERS[0]}..fc8")
            if not bool(torch.isfinite(tensor).all()):
                raise WeightsError(f"{path}: {layer}.{part} holds values that are not finite")
    return descriptor


def load_vgg_face(model: VggFace, path: Path) -> str:
    """Fill ``model`` with the descriptor, except for its last layer, in place.

    ``fc6`` has weights for each position of the last feature map. If the model's images do not have
    the published 224 pixels, ``fc6`` and ``fc7`` keep their weights.

    Returns:
        A sentence for the lineage.

    Raises:
        UsageError: as ``read_vgg_face``.
        WeightsError: as ``read_vgg_face``, or layers of other shapes.
    """
    descriptor = read_vgg_face(path)
    state = descriptor.state
    current = dict(model.state_dict())
    same_size = current["fc6.weight"].shape[1] == state["fc6.weight"].shape[1]
    copied: dict[str, Tensor] = {}
    for layer in LAYERS:
        if layer == CLASSIFIER or (layer in ("fc6", "fc7") and not same_size):
            continue
        for part in ("weight", "bias"):
            name = f"{layer}.{part}" if layer.startswith("fc") else f"features.{layer}.{part}"
            tensor = state[f"{layer}.{part}"]
            if tensor.shape != current[name].shape:
                raise WeightsError(
                    f"{path}: {layer}.{part} is {tuple(tensor.shape)}, the gender model's is "
                    f"{tuple(current[name].shape)}; the published layers need `gender_width=1`"
                )
            copied[name] = tensor
    # The model divides its input by a scale, which the publication does not.
    copied["features.conv1_1.weight"] = copied["features.conv1_1.weight"] * SCALE
    model.load_state_dict({**current, **copied})
    skipped = "fc8" if same_size else "fc6 to fc8 (made for pictures of another size)"
    return (
        f"VGG-Face of Parkhi et al. 2015 from {path.name} ({descriptor.format}), without {skipped}"
    )
