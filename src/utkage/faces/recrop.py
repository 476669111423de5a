"""Wider and narrower crops of chips that are already cut out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.faces.contract import CropContract
from utkage.images.resize import resize_square


def recrop(chips: NDArray[np.uint8], own: CropContract, wanted: CropContract) -> NDArray[np.uint8]:
    """Chips of another contract.

    A narrower crop is cut out of the middle. A wider one is black beyond the chip, as beyond the
    edge of a picture. Crops with different centres are only resized, so callers refuse them first.

    Args:
        chips: uint8 RGB, (N, own.size, own.size, 3).
        own: Contract of ``chips``.
        wanted: Contract of the result.

    Returns:
        uint8 RGB, (N, wanted.size, wanted.size, 3); ``chips`` itself if nothing has to change.
    """
    ratio = own.width_ratio(wanted)
    width = own.size if ratio is None or own.fits(wanted) else round(own.size * ratio)
    middle = _middle(chips, width)
    if width == wanted.size:
        return middle
    resized: NDArray[np.uint8] = np.stack([resize_square(chip, wanted.size) for chip in middle])
    return resized


def recrop_aligned(rgb: NDArray[np.uint8], wanted: CropContract) -> NDArray[np.uint8]:
    """The chip of a square picture that is cropped like UTKFace's, at any resolution.

    Args:
        rgb: uint8 RGB, (side, side, 3), without a margin.
        wanted: Contract of the result.

    Returns:
        uint8 RGB, (wanted.size, wanted.size, 3), black in the margin of ``wanted``.
    """
    # Padded before it is resized, because a margin need not be a whole number of pixels afterwards.
    width = round(len(rgb) * (1 + 2 * wanted.margin))
    return resize_square(_middle(rgb[None], width)[0], wanted.size)


def _middle(chips: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """The middle of chips (N, S, S, 3), ``width`` pixels wide, black beyond their edges."""
    size = chips.shape[1]
    if width <= size:
        start = (size - width) // 2
        return chips[:, start : start + width, start : start + width]
    before = (width - size) // 2
    wider = np.zeros((len(chips), width, width, 3), dtype=np.uint8)
    wider[:, before : before + size, before : before + size] = chips
    return wider
