"""Corruptions of pictures: functions from uint8 RGB chips (N, S, S, 3) to corrupted ones.

They are deterministic, so evaluations are comparable. The strengths were chosen before any
measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.images.resize import resize_square

Chips = NDArray[np.uint8]


@dataclass(frozen=True)
class Corruption:
    """One corruption at rising strengths.

    Attributes:
        name: Name in files, such as ``"blur"``.
        label: Name with its unit, for tables and charts.
        strengths: Strengths from mild to severe.
        format_strength: Function from a strength to text.
        corrupt: Function from chips and a strength to corrupted chips.
    """

    name: str
    label: str
    strengths: tuple[float, ...]
    format_strength: Callable[[float], str]
    corrupt: Callable[[Chips, float], Chips]


def scaled(chips: Chips, factor: float) -> Chips:
    """Scale about the centre by ``factor``; edge pixels are repeated."""
    return _warped(chips, scale=factor)


def shifted(chips: Chips, share: float) -> Chips:
    """Shift right and down by a share of the size; edge pixels are repeated."""
    return _warped(chips, shift=share)


def rotated(chips: Chips, degrees: float) -> Chips:
    """Rotate about the centre; edge pixels are repeated."""
    return _warped(chips, degrees=degrees)


def blurred(chips: Chips, sigma: float) -> Chips:
    """Blur with a Gaussian of ``sigma`` percent of the size."""
    import cv2

    pixels = sigma / 100 * chips.shape[1]
    return _each(chips, lambda chip: cv2.GaussianBlur(chip, (0, 0), pixels))


def compressed(chips: Chips, quality: float) -> Chips:
    """Encode as JPEG of this quality and decode again."""
    import cv2

    def one(chip: Chips) -> Chips:
        bgr = np.ascontiguousarray(chip[..., ::-1])
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1]

    return _each(chips, one)


def coarsened(chips: Chips, size: float) -> Chips:
    """Shrink to ``size`` pixels and enlarge again: a face that was small in its picture."""
    return _each(chips, lambda chip: resize_square(resize_square(chip, int(size)), len(chip)))


def darkened(chips: Chips, factor: float) -> Chips:
    """Multiply the light by ``factor``, in linear light (gamma 2.2)."""
    table = np.rint(255 * (np.linspace(0, 1, 256) * factor ** (1 / 2.2)).clip(0, 1))
    return np.asarray(table.astype(np.uint8)[chips])


def greyed(chips: Chips, share: float) -> Chips:
    """Mix the colours with their luma (Rec. 601); a ``share`` of 1 leaves grey only."""
    luma = chips @ np.array([0.299, 0.587, 0.114])
    mixed = (1 - share) * chips + share * luma[..., None]
    return np.asarray(np.rint(mixed).clip(0, 255), dtype=np.uint8)


def occluded(chips: Chips, share: float) -> Chips:
    """Cover the lowest ``share`` of the chip in grey, as a mask or a hand does."""
    covered: Chips = chips.copy()
    covered[:, round((1 - share) * chips.shape[1]) :] = 127
    return covered


def mirrored(chips: Chips, share: float) -> Chips:
    """Exchange left and right, if ``share`` is 1."""
    return chips[:, :, ::-1] if share else chips


_PERCENT, _WHOLE = "{:.0%}".format, "{:.0f}".format
CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("smaller", "face smaller in the crop", (0.9, 0.8, 0.7, 0.5), _PERCENT, scaled),
    Corruption("larger", "face larger in the crop", (1.1, 1.25, 1.5, 2.0), _PERCENT, scaled),
    Corruption("shift", "crop shifted, share of size", (0.05, 0.1, 0.2, 0.3), _PERCENT, shifted),
    Corruption("rotation", "rotated, degrees", (10, 20, 45, 90, 180), _WHOLE, rotated),
    Corruption("blur", "blur, sigma in % of size", (1, 2, 4, 8), "{:.0f} %".format, blurred),
    Corruption("jpeg", "JPEG quality", (50, 20, 10, 5), _WHOLE, compressed),
    Corruption("resolution", "face resolution, pixels", (64, 32, 24, 16), _WHOLE, coarsened),
    Corruption("darkness", "remaining light", (0.5, 0.25, 0.1, 0.03), _PERCENT, darkened),
    Corruption("grey", "colour removed", (1.0,), _PERCENT, greyed),
    Corruption("occlusion", "covered from below", (0.2, 0.35, 0.5, 0.65), _PERCENT, occluded),
    Corruption("mirror", "mirrored", (1.0,), lambda _: "yes", mirrored),
)


def _each(chips: Chips, change: Callable[[Chips], Any]) -> Chips:
    return np.stack([change(chip) for chip in chips]) if len(chips) else chips


def _warped(chips: Chips, *, scale: float = 1.0, degrees: float = 0.0, shift: float = 0.0) -> Chips:
    import cv2

    size = chips.shape[1]
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, scale)
    matrix[:, 2] += shift * size
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    edge = cv2.BORDER_REPLICATE
    return _each(
        chips,
        lambda chip: cv2.warpAffine(chip, matrix, (size, size), flags=flags, borderMode=edge),
    )
