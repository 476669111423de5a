"""Resizing of chips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError


def resize_square(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize to ``size`` x ``size`` pixels: area-averaged where it shrinks, cubic where it grows.

    Pictures are uint8 RGB, (height, width, 3). One that is not square is distorted, and one that
    has the size already is returned itself.

    Raises:
        ImageError: the picture has no pixels, or ``size`` is below 1.
    """
    height, width = rgb.shape[:2]
    if height == width == size:
        return rgb
    if height < 1 or width < 1 or size < 1:
        raise ImageError(f"cannot resize {width} x {height} pixels to {size} x {size}")
    import cv2

    # OpenCV replaces area averaging by linear interpolation if one side grows, hence two steps.
    smaller = (min(width, size), min(height, size))
    if smaller != (width, height):
        rgb = cv2.resize(rgb, smaller, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    if smaller != (size, size):
        rgb = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_CUBIC).astype(
            np.uint8, copy=False
        )
    return rgb
