"""Faces in aligned chips, as the detector finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.faces.contract import UTKFACE_CHIP_SIZE
from utkage.faces.detector import Detector

# Indices of the landmarks in the mirrored chip.
MIRRORED = [1, 0, 2, 4, 3]
# The detector was trained on faces with something around them: with black borders of half the chip
# it misses none of the faces that fill their chips.
BORDER_SHARE = 0.5


@dataclass(frozen=True)
class ChipFace:
    """The face of a chip.

    Attributes:
        score: Confidence of the detector, 0..1.
        landmarks: Five points (x, y) in pixels of a 200-pixel chip with corners at (0, 0) and
            (200, 200), shape (5, 2).
    """

    score: float
    landmarks: NDArray[np.float64]


def chip_face(detector: Detector, chip: NDArray[np.uint8]) -> ChipFace | None:
    """Find the face whose box contains the middle of the chip, or None."""
    height, width = chip.shape[:2]
    border = round(max(height, width) * BORDER_SHARE)
    framed = np.pad(chip, ((border, border), (border, border), (0, 0)))
    x, y = border + width / 2, border + height / 2
    for face in detector.detect(framed):
        x0, y0, x1, y1 = face.box
        if x0 <= x <= x1 and y0 <= y <= y1:
            scale = np.array([UTKFACE_CHIP_SIZE / width, UTKFACE_CHIP_SIZE / height])
            return ChipFace(face.score, (np.array(face.landmarks) - border) * scale)
    return None


def symmetrised(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average landmarks (5, 2) with their mirror image in the chip."""
    mirrored = landmarks[MIRRORED] * np.array([-1, 1]) + np.array([UTKFACE_CHIP_SIZE, 0])
    return np.asarray((landmarks + mirrored) / 2)
