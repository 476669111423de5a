"""Chips pasted into pictures at a known place, size and angle.

A placement is a matrix (2, 3) from the chip to the picture. Both have their corners at whole
numbers, so the middle of a chip of 200 pixels is (100, 100).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from utkage.images.resize import resize_square

Box = tuple[float, float, float, float]


def random_scale(low: float, high: float, random: np.random.Generator) -> float:
    """A number between ``low`` and ``high``, uniform in its logarithm."""
    return math.exp(random.uniform(math.log(low), math.log(high)))


def placement(
    size: int, scale: float, degrees: float, middle: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Enlarge a chip of ``size`` pixels, rotate it, and move its middle to ``middle``."""
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, middle - linear @ np.full(2, size / 2)])


def paste(
    chip: NDArray[np.uint8], placed: NDArray[np.float64], picture: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Draw a chip into ``picture``, which is changed and returned."""
    # warpAffine reads single pixels only, so a chip that shrinks is averaged first.
    scale = math.sqrt(abs(np.linalg.det(placed[:, :2])))
    small = resize_square(chip, max(1, min(len(chip), round(len(chip) * scale))))
    linear = placed[:, :2] * (len(chip) / len(small))
    # The pixel centres of warpAffine lie at whole numbers.
    shift = placed[:, 2] + linear @ np.full(2, 0.5) - 0.5
    cv2.warpAffine(
        small,
        np.column_stack([linear, shift]),
        (picture.shape[1], picture.shape[0]),
        dst=picture,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return picture


def holds(box: Box, point: Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether a box (x0, y0, x1, y1) contains a point."""
    x0, y0, x1, y1 = box
    return bool(x0 <= point[0] <= x1 and y0 <= point[1] <= y1)
