"""Weights in memory, and utkage's own files of them.

A file is safetensors with the card in the metadata, never a pickle. Its tensor
``train_fingerprints`` (int32) holds the first four bytes of the pixel hash of every training image,
so that evaluation can detect leakage.
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

from utkage.core.errors import WeightsError
from utkage.core.files import write_bytes
from utkage.models.card import Card
from utkage.models.safetensors_file import METADATA, read_header, require_finite

if TYPE_CHECKING:
    from torch import Tensor

FINGERPRINTS = "train_fingerprints"
CARD_KEY = "card"

# Biases that an age prior is added to: of a softmax age head, and of the seed system's range model.
AGE_BIAS = "age.bias"
GENDER_BIAS = "gender.bias"
RANGE_BIAS = "age_range.classifier.4.bias"


@dataclass(frozen=True)
class Weights:
    """A trained network as tensors.

    Attributes:
        card: The card of the network.
        state: State dictionary; floating-point tensors are float32.
        fingerprints: First four bytes of the pixel hash of each training image, int32 (n,).
    """

    card: Card
    state: dict[str, Tensor]
    fingerprints: Tensor


def read_safetensors_card(path: Path) -> Card:
    """Read the card from the header, without any tensor; raises as ``read_header``."""
    metadata = read_header(path).get(METADATA, {})
    if CARD_KEY not in metadata:
        raise WeightsError(
            f"{path}: not a utkage weights file (no card); pass a file written by utkage train"
        )
    return Card.from_json(metadata[CARD_KEY], str(path))


def save_weights(path: Path, weights: Weights, *, half: bool = False) -> None:
    """Write ``weights`` atomically.

    With ``half``, tensors of two or more dimensions are stored as float16. Vectors stay float32:
    they are small, and the variances of the first batch norms do not fit into float16.

    Raises:
        WeightsError: a value is NaN or infinite, or too large for float16.
    """
    import torch
    from safetensors.torch import save

    tensors = {
        name: (_to_half(tensor) if half else tensor).detach().cpu().contiguous()
        for name, tensor in weights.state.items()
    }
    require_finite({name: tensor.numpy() for name, tensor in tensors.items()}, str(path))
    tensors[FINGERPRINTS] = weights.fingerprints.to(torch.int32).contiguous()
    # Not save_file, whose errors do not say that a disk is full.
    write_bytes(path, save(tensors, metadata={CARD_KEY: weights.card.to_json()}))


def rewrite_card(
    path: Path,
    card: Card,
    out: Path,
    vectors: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> None:
    """Copy a weights file to ``out`` with another card, atomically; ``out`` may be ``path``.

    ``vectors`` are new values of float32 tensors by name. All others are copied byte for byte.

    Raises:
        UsageError: there is no such file.
        WeightsError: the file is not a utkage weights file, or a vector does not fit into it.
    """
    read_safetensors_card(path)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<Q", content)
    header = read_header(path)
    for name, values in vectors.items():
        entry = header.get(name, {})
        if (entry.get("dtype"), entry.get("shape")) != ("F32", list(values.shape)):
            raise WeightsError(f"{path}: holds no float32 {name!r} of shape {values.shape}")
        require_finite({name: values}, str(path))
        first, end = (8 + length + offset for offset in entry["data_offsets"])
        content[first:end] = np.ascontiguousarray(values, dtype="<f4").tobytes()
    header[METADATA][CARD_KEY] = card.to_json()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    # Tensors must begin at a multiple of eight bytes; spaces pad the header.
    text += b" " * (-len(text) % 8)
    write_bytes(out, struct.pack("<Q", len(text)) + text + bytes(content[8 + length :]))


def _to_half(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() and tensor.dim() >= 2 else tensor
