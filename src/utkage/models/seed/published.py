"""Initial weights of the gender network from the VGG-Face descriptor (Parkhi et al. 2015).

Every file format is read into the form of the publication: layers ``conv1_1`` to ``fc8``, input RGB
in 0..255 minus the mean. For ports with BGR input (those from the Caffe model), the input channels
of ``conv1_1`` are reversed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.core.damaged_files import DAMAGE
from utkage.core.errors import UsageError, WeightsError
from utkage.models.seed.vgg_face import BLOCKS, SCALE, VggFace
from utkage.models.torch_file import load_tensors, plain_tensors

CONVOLUTIONS = tuple(
    f"conv{block}_{number}"
    for block, (count, _) in enumerate(BLOCKS, start=1)
    for number in range(1, count + 1)
)
LAYERS = (*CONVOLUTIONS, "fc6", "fc7", "fc8")
Array = NDArray[np.float32]


class Descriptor(NamedTuple):
    """The VGG-Face descriptor, and the name of the format it was read from.

    The state has ``<layer>.weight`` and ``<layer>.bias``, float32: convolutions (out, in, 3, 3),
    fully connected layers (out, in), with the inputs of ``fc6`` ordered channels, rows, columns.
    """

    state: dict[str, Tensor]
    format: str


def read_torch(path: Path) -> Descriptor:
    """Read a torch state dict, or safetensors, with the publication's names.

    The names are ``conv1_1.weight`` (RGB), optionally with a prefix such as ``features.``, or
    ``conv_1_1.weight`` in the port from Lua torch, whose input is BGR.
    """
    value = load_tensors(path)
    if isinstance(value, dict) and isinstance(value.get("state_dict"), dict):
        value = value["state_dict"]
    if not isinstance(value, dict):
        raise WeightsError(f"{path}: holds a {type(value).__name__}; pass a state dict")
    found: dict[str, Any] = {}
    lua = False
    for key, tensor in value.items():
        *_, layer, part = ["", *str(key).split(".")]
        lua = lua or layer.startswith("conv_")
        layer = layer.replace("conv_", "conv")
        if layer in LAYERS and part in ("weight", "bias"):
            found[f"{layer}.{part}"] = tensor
    state = plain_tensors(found, str(path))
    return _from_bgr(state, "port from Lua torch") if lua else Descriptor(state, "torch state dict")


def read_mat(path: Path) -> Descriptor:
    """Read the authors' MatConvNet file."""
    from scipy.io import loadmat

    try:
        content = loadmat(path)
        state = _matlab_layers(content["net"][0, 0] if "net" in content else content)
    except NotImplementedError as error:
        raise WeightsError(f"{path}: a MATLAB 7.3 file; save it with -v7") from error
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(
            f"{path}: not a MATLAB file with net.layers, or damaged ({reason}); pass the authors' "
            "vgg_face.mat"
        ) from error
    return Descriptor(state, "MatConvNet")


def _matlab_layers(net: Any) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for cell in np.ravel(net["layers"]):
        layer = cell[0, 0]
        fields = layer.dtype.names or ()
        name = str(np.ravel(layer["name"])[0]) if "name" in fields else ""
        if name not in LAYERS:
            continue
        # Older files have filters and biases, newer ones a cell with both.
        if "weights" in fields:
            weight, bias = np.ravel(layer["weights"])[:2]
        else:
            weight, bias = layer["filters"], layer["biases"]
        # MATLAB drops trailing dimensions of one.
        kernel = np.asarray(weight, dtype=np.float32)
        kernel = kernel.reshape(kernel.shape + (1,) * (4 - kernel.ndim))
        _put(state, name, kernel, np.ravel(bias))
    return state


def read_keras(path: Path) -> Descriptor:
    """Read a Keras file: named layers (BGR input), or sixteen layers in their order (RGB)."""
    try:
        import h5py
    except ImportError as error:
        raise UsageError(
            f"{path}: reading .h5 needs h5py: pip install 'utkage[vgg-face]'"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            found = list(_keras_layers(file.get("model_weights", file)))
    except DAMAGE as error:
        raise WeightsError(f"{path}: not a Keras weights file, or damaged ({error})") from error
    named = any(name in LAYERS for name, _, _ in found)
    if named:
        found = [item for item in found if item[0] in LAYERS]
    elif len(found) != len(LAYERS):
        raise WeightsError(f"{path}: {len(found)} layers with weights; VGG-Face has {len(LAYERS)}")
    state: dict[str, Tensor] = {}
    channels = 0
    for expected, (name, kernel, bias) in zip(LAYERS, found, strict=False):
        layer = name if named else expected
        if kernel.ndim == 2 and layer == "fc6":
            # Dense after Flatten: rows, columns, channels.
            size = round((kernel.shape[0] / max(1, channels)) ** 0.5)
            if size * size * channels != kernel.shape[0]:
                raise WeightsError(
                    f"{path}: fc6 takes {kernel.shape[0]} values, not a square map of "
                    f"{channels} channels"
                )
            kernel = kernel.reshape(size, size, channels, -1)
        elif kernel.ndim == 2:
            kernel = kernel[None, None]
        if layer == CONVOLUTIONS[-1]:
            channels = kernel.shape[3]
        _put(state, layer, kernel, bias)
    if named:
        return _from_bgr(state, "Keras, named layers")
    return Descriptor(state, "Keras, layers in order")


def _keras_layers(root: Any) -> Iterator[tuple[str, Array, Array]]:
    for raw in root.attrs["layer_names"]:
        name = _text(raw)
        arrays = [np.asarray(root[name][_text(w)]) for w in root[name].attrs["weight_names"]]
        if len(arrays) >= 2 and arrays[0].ndim in (2, 4):
            yield name, arrays[0].astype(np.float32), arrays[1].astype(np.float32)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _put(state: dict[str, Tensor], layer: str, kernel: Array, bias: Any) -> None:
    """Add a layer from a kernel (rows, columns, in, out)."""
    weight = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
    if layer.startswith("fc"):
        weight = weight.flatten(1)
    state[f"{layer}.weight"] = weight
    state[f"{layer}.bias"] = torch.from_numpy(np.array(bias, dtype=np.float32))


def _from_bgr(state: dict[str, Tensor], name: str) -> Descriptor:
    first = "conv1_1.weight"
    if first in state:
        state[first] = state[first].flip(1)
    return Descriptor(state, name)


READERS = {
    **dict.fromkeys((".pth", ".pt", ".safetensors"), read_torch),
    ".mat": read_mat,
    **dict.fromkeys((".h5", ".hdf5"), read_keras),
}


def read_vgg_face(path: Path) -> Descriptor:
    """Read the descriptor from any format of ``READERS``.

    Raises:
        UsageError: no such file, an unknown suffix, or a missing package for reading it.
        WeightsError: damaged, of another structure, or not the sixteen layers.
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

    Returns a sentence for the lineage. Raises as ``read_vgg_face``, and ``WeightsError`` for layers
    of other shapes.
    """
    descriptor = read_vgg_face(path)
    state = descriptor.state
    current = dict(model.state_dict())
    same_size = current["fc6.weight"].shape[1] == state["fc6.weight"].shape[1]
    copied: dict[str, Tensor] = {}
    for layer in LAYERS:
        if layer == "fc8" or (layer in ("fc6", "fc7") and not same_size):
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
