"""Whether a face is covered, or shown unlike a photograph: a small classifier of aligned chips.

Its coefficients, thresholds and lineage lie in ``shipped/face_appearance.safetensors``, which
``python -m tools.quality fit`` writes; ``docs/predict.md`` has its measured precision and recall.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from utkage.core.errors import WeightsError
from utkage.core.files import write_bytes

COVERED = "covered"
UNUSUAL = "unusual"
APPEARANCES = (COVERED, UNUSUAL)
# Width and height of the chips that the classifier takes, without a margin, in pixels.
INPUT_SIZE = 64
SHIPPED_FILE = "face_appearance.safetensors"
FORMAT = "utkage face appearance"

Floats = NDArray[np.float32]
Layer = tuple[Floats, Floats]


@dataclass(frozen=True)
class FaceAppearance:
    """A convolutional network of a few layers, computed with NumPy in a third of a millisecond.

    Attributes:
        convolutions: Weights, (3 * 3 * inputs, outputs) in the order row, column, channel, and
            bias of each 3 x 3 convolution with stride 2, whose outputs pass a ReLU.
        dense: Weights, (inputs, outputs), and bias of the layers that follow, with a ReLU between.
        thresholds: Probability from which a face has each of ``APPEARANCES``, (2,).
        lineage: What it was fitted to, and how its thresholds were chosen.
    """

    convolutions: Sequence[Layer]
    dense: Sequence[Layer]
    thresholds: Floats
    lineage: dict[str, Any]

    def flags(self, chip: NDArray[np.uint8]) -> tuple[str, ...]:
        """Those of ``APPEARANCES`` that a chip has; chips as for ``probabilities``."""
        found = self.probabilities(chip) >= self.thresholds
        return tuple(name for name, holds in zip(APPEARANCES, found, strict=True) if holds)

    def probabilities(self, chip: NDArray[np.uint8]) -> Floats:
        """Probability of each of ``APPEARANCES``, (2,).

        Args:
            chip: uint8 RGB, (size, size, 3), aligned like UTKFace's and without a margin.
        """
        import cv2

        size = (INPUT_SIZE, INPUT_SIZE)
        pixels = cv2.resize(chip, size, interpolation=cv2.INTER_AREA)
        values: Floats = pixels.astype(np.float32) / np.float32(255) - np.float32(0.5)
        for weights, bias in self.convolutions:
            values = np.maximum(_windows(values) @ weights + bias, 0)
        values = values.reshape(-1)
        for weights, bias in self.dense[:-1]:
            values = np.maximum(values @ weights + bias, 0)
        weights, bias = self.dense[-1]
        logits = np.clip(values @ weights + bias, -50, 50)
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write the coefficients as float16, with thresholds and lineage in the metadata."""
        tensors = {
            f"{kind}.{index}.{name}": np.ascontiguousarray(array, dtype=np.float16)
            for kind, layers in (("convolution", self.convolutions), ("dense", self.dense))
            for index, layer in enumerate(layers)
            for name, array in zip(("weights", "bias"), layer, strict=True)
        }
        thresholds = dict(zip(APPEARANCES, map(float, self.thresholds), strict=True))
        metadata = {
            "format": FORMAT,
            "thresholds": json.dumps(thresholds),
            "lineage": json.dumps(self.lineage),
        }
        write_bytes(path, save(tensors, metadata))

    @classmethod
    def open(cls, path: Path) -> FaceAppearance:
        """Read what ``save`` wrote; ``WeightsError`` if that is not possible."""
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata()
                if metadata["format"] != FORMAT:
                    raise ValueError(f"its format is {metadata['format']}")
                names = set(file.keys())
                layers = {
                    kind: [
                        (
                            _read(file, f"{kind}.{index}.weights"),
                            _read(file, f"{kind}.{index}.bias"),
                        )
                        for index in range(len(names))
                        if f"{kind}.{index}.weights" in names
                    ]
                    for kind in ("convolution", "dense")
                }
                limits = json.loads(metadata["thresholds"])
                thresholds = np.array([limits[name] for name in APPEARANCES], dtype=np.float32)
                lineage = dict(json.loads(metadata["lineage"]))
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"{path}: the classifier of quality flags cannot be read ({error}); "
                "install utkage again"
            ) from error
        return cls(layers["convolution"], layers["dense"], thresholds, lineage)


@cache
def shipped_face_appearance() -> FaceAppearance:
    """The classifier in the package, read once; raises as ``FaceAppearance.open``."""
    return FaceAppearance.open(Path(str(files("utkage") / "shipped" / SHIPPED_FILE)))


def _read(file: Any, name: str) -> Floats:
    return np.asarray(file.get_tensor(name), dtype=np.float32)


def _windows(values: Floats) -> Floats:
    """The 3 x 3 windows around every second pixel, (h / 2, w / 2, 9 * c); zero beyond the edge."""
    height, width, channels = values.shape
    padded = np.zeros((height + 1, width + 1, channels), dtype=np.float32)
    padded[1:, 1:] = values
    windows = np.empty((height // 2, width // 2, 9, channels), dtype=np.float32)
    for place in range(9):
        row, column = divmod(place, 3)
        windows[:, :, place] = padded[row : row + height - 1 : 2, column : column + width - 1 : 2]
    return windows.reshape(height // 2, width // 2, 9 * channels)
