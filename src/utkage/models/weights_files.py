"""Weights files of every format: what is in them, read at most once.

To add a format, write a function from a path to ``Content`` and add its suffix to ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import WeightsError
from utkage.core.files import file_hash
from utkage.models import export_metadata
from utkage.models.card import Card
from utkage.models.safetensors_file import read_arrays
from utkage.models.weights import (
    FINGERPRINTS,
    Weights,
    read_safetensors_card,
)

# States of the seed system without a card.
PLAIN_SUFFIXES = frozenset({".pt", ".pth"})

# The card, and a function that reads all tensors by name, including ``train_fingerprints``.
Content = tuple[Card, Callable[[], dict[str, NDArray[Any]]]]


def _read_safetensors(path: Path) -> Content:
    return read_safetensors_card(path), partial(read_arrays, path)


def _read_plain_state(path: Path) -> Content:
    from utkage.models.seed.plain_state import plain_weights

    weights = plain_weights(path)
    return weights.card, lambda: {name: tensor.numpy() for name, tensor in weights.state.items()}


def _read_onnx(path: Path) -> Content:
    # The tensors are part of the graph, so only the fingerprints are read.
    metadata = export_metadata.read_onnx_metadata(path)
    fingerprints = partial(export_metadata.parse_fingerprints, metadata, path)
    return export_metadata.parse_card(metadata, path), lambda: {FINGERPRINTS: fingerprints()}


#: Readers by suffix; all other files are read as safetensors.
READERS: Mapping[str, Callable[[Path], Content]] = MappingProxyType(
    {export_metadata.ONNX_SUFFIX: _read_onnx, **dict.fromkeys(PLAIN_SUFFIXES, _read_plain_state)}
)


@dataclass(frozen=True)
class LoadedWeights:
    """A weights file whose parts are read when they are first used, and only once.

    Every property raises ``UsageError`` if there is no such file, and ``WeightsError`` if it is
    damaged or not a utkage weights file.

    Attributes:
        path: The file.
        origin: How it was chosen, shown to the user.
    """

    path: Path
    origin: str = "as given"

    @property
    def card(self) -> Card:
        """The card; reading it imports no torch, except for ``.pt`` files."""
        return self._content[0]

    @cached_property
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The floating-point tensors as float32 arrays; reading them imports no torch."""
        return {
            name: array.astype(np.float32, copy=False)
            for name, array in self._stored.items()
            if np.issubdtype(array.dtype, np.floating)
        }

    @property
    def fingerprints(self) -> NDArray[np.int32]:
        """Fingerprints of the training images, int32 (n,); empty if the file records none."""
        found = self._stored.get(FINGERPRINTS, np.empty(0, np.int32))
        if found.dtype != np.int32 or found.ndim != 1:
            raise WeightsError(
                f"{self.path}: {FINGERPRINTS} is {found.dtype} {found.shape}, not int32 (n,); copy "
                "the file again"
            )
        return found

    @cached_property
    def content(self) -> Weights:
        """Everything for torch; ``WeightsError`` if it is an exported file."""
        import torch

        if export_metadata.is_onnx(self.path):
            raise WeightsError(f"{self.path}: an exported ONNX file; pass the weights it came from")
        state = {
            name: torch.from_numpy(self.arrays.get(name, array))
            for name, array in self._stored.items()
            if name != FINGERPRINTS
        }
        return Weights(self.card, state, torch.from_numpy(self.fingerprints))

    @cached_property
    def file_hash(self) -> str:
        """The first 16 hexadecimal digits of the file's SHA-256."""
        return file_hash(self.path)

    @cached_property
    def _content(self) -> Content:
        return READERS.get(self.path.suffix.lower(), _read_safetensors)(self.path)

    @cached_property
    def _stored(self) -> dict[str, NDArray[Any]]:
        return self._content[1]()


def load_weights(path: Path) -> Weights:
    """Read a weights file; raises as ``LoadedWeights`` does."""
    return LoadedWeights(path).content


def read_card(path: Path) -> Card:
    """Read the card of a weights file or an exported ONNX file; raises as ``LoadedWeights``."""
    return LoadedWeights(path).card
