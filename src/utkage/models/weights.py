"""Weights on disk: one safetensors file with the tensors and the card. No pickles.

The tensor ``train_fingerprints`` (int32) holds the first four bytes of the pixel hash of every
picture that was learned from, so that evaluation can notice pictures that are not new.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, UsageError, WeightsError
from utkage.core.files import write_bytes
from utkage.models import onnx_metadata
from utkage.models.card import Card

if TYPE_CHECKING:
    from torch import Tensor

    from utkage.models.multitask import MultiTaskNet

FINGERPRINTS = "train_fingerprints"
CARD_KEY = "card"
# Of a multitask state with a softmax head: the part of a year's logit that no face changes.
AGE_BIAS = "age.bias"
# The same of the seed system's age-range model.
RANGE_BIAS = "age_range.classifier.4.bias"
# States of the seed system without a card; models/seed/plain_state.py reads them.
PLAIN_SUFFIXES = frozenset({".pt", ".pth"})
_MAX_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class Weights:
    """The content of a weights file: the card, the network's tensors (float32), fingerprints."""

    card: Card
    state: dict[str, Tensor]
    fingerprints: Tensor


def save_weights(path: Path, weights: Weights, *, half: bool = False) -> None:
    """Write ``weights`` atomically.

    With ``half``, tensors of two or more dimensions are stored as float16. Vectors stay float32:
    they are small, and the variances of the first batch norms do not fit into float16.
    """
    import torch
    from safetensors.torch import save

    tensors = {
        name: (_to_half(tensor) if half else tensor).detach().cpu().contiguous()
        for name, tensor in weights.state.items()
    }
    tensors[FINGERPRINTS] = weights.fingerprints.to(torch.int32).contiguous()
    # Written by Python, whose errors say that a disk is full; those of save_file do not.
    write_bytes(path, save(tensors, metadata={CARD_KEY: weights.card.to_json()}))


def load_weights(path: Path) -> Weights:
    """Read a weights file of ours, or a plain state of the seed system (``.pt``).

    Raises:
        UsageError: there is no such file.
        WeightsError: not a safetensors file, or not one of ours.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix in PLAIN_SUFFIXES:
        from utkage.models.seed.plain_state import plain_weights

        return plain_weights(path)
    card = read_card(path)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: damaged weights file ({error})") from error
    fingerprints = tensors.pop(FINGERPRINTS, torch.empty(0, dtype=torch.int32))
    state = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return Weights(card, state, fingerprints)


def read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """The learned tensors of a safetensors file as float32 arrays, without importing torch.

    Raises:
        WeightsError: the file is damaged.
    """
    return {
        name: array.astype(np.float32)
        for name, array in _numpy_tensors(path).items()
        if np.issubdtype(array.dtype, np.floating)
    }


def read_fingerprints(path: Path) -> NDArray[np.int32]:
    """Fingerprints of the pictures that were learned from, int32 (n,), of any file with a card.

    Raises:
        UsageError: there is no such file.
        WeightsError: not a file of ours.
    """
    if path.suffix == onnx_metadata.ONNX_SUFFIX:
        return onnx_metadata.fingerprints_of(onnx_metadata.read_properties(path), path)
    if path.suffix in PLAIN_SUFFIXES:
        return load_weights(path).fingerprints.numpy()
    read_card(path)
    found = _numpy_tensors(path).get(FINGERPRINTS, np.empty(0))
    return found.astype(np.int32)


def read_card(path: Path) -> Card:
    """Read only the card, without any tensor and without importing torch (but for ``.pt``).

    Args:
        path: A weights file, or an exported ONNX file.

    Raises:
        UsageError: there is no such file.
        WeightsError: not a file of ours.
    """
    if path.suffix in PLAIN_SUFFIXES:
        return load_weights(path).card
    if path.suffix == onnx_metadata.ONNX_SUFFIX:
        return onnx_metadata.card_of(onnx_metadata.read_properties(path), path)
    if not path.is_file():
        raise UsageError(f"{path}: no such weights file")
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES:
                raise ValueError("header too long")
            header = json.loads(file.read(length))
        metadata = header.get("__metadata__", {})
    except (OSError, ValueError, AttributeError, struct.error) as error:
        raise WeightsError(
            f"{path}: not a safetensors file; utkage reads weights that 'utkage train' wrote"
        ) from error
    if not isinstance(metadata, dict) or CARD_KEY not in metadata:
        raise WeightsError(
            f"{path}: a safetensors file of another program; utkage reads weights that "
            "'utkage train' wrote"
        )
    return Card.from_json(metadata[CARD_KEY], str(path))


def rewrite_card(
    path: Path,
    card: Card,
    out: Path,
    vectors: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> None:
    """Copy a weights file with another card, atomically; ``out`` may be ``path``.

    Args:
        path: A safetensors file of ours.
        card: The new one.
        out: The file to write.
        vectors: Tensors, stored as float32, that get new values. All others are copied byte for
            byte.

    Raises:
        UsageError: there is no such file.
        WeightsError: not a safetensors file of ours, or a vector that does not fit into it.
    """
    read_card(path)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    for name, values in vectors.items():
        place = header.get(name, {})
        if (place.get("dtype"), place.get("shape")) != ("F32", list(values.shape)):
            raise WeightsError(f"{path}: holds no float32 {name!r} of shape {values.shape}")
        first, end = (8 + length + offset for offset in place["data_offsets"])
        content[first:end] = np.ascontiguousarray(values, dtype="<f4").tobytes()
    header["__metadata__"][CARD_KEY] = card.to_json()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # The format wants tensors to begin at a multiple of eight; spaces fill the header up.
    text += b" " * (-len(text) % 8)
    write_bytes(out, struct.pack("<Q", len(text)) + text + bytes(content[8 + length :]))


def build_network(weights: Weights, origin: str) -> MultiTaskNet:
    """The network that a weights file describes, in evaluation mode.

    Raises:
        WeightsError: another system or backbone, or tensors that do not fit the network.
    """
    from utkage.models.multitask import MultiTaskNet

    if weights.card.system != "multitask":
        raise WeightsError(f"{origin}: holds a {weights.card.system!r} system, which is unknown")
    try:
        network = MultiTaskNet(weights.card.backbone, weights.card.age_head)
    except ConfigError as error:
        raise WeightsError(f"{origin}: {error}") from error
    try:
        network.load_state_dict(weights.state)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{origin}: tensors do not fit {weights.card.backbone}: {detail}"
        ) from error
    return network.eval()


def _numpy_tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found: dict[str, NDArray[np.generic]] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: damaged weights file ({error})") from error
    return found


def _to_half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() and tensor.dim() >= 2 else tensor
