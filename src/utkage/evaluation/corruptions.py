"""What goes wrong with pictures, one function each: uint8 RGB chips (N, S, S, 3) to disturbed ones.

None is random, so two evaluations are comparable. Strengths were chosen before anything was
measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.images.resize import resize_square

Chips = NDArray[np.uint8]


@dataclass(frozen=True)
class Factor:
    """One thing that goes wrong, at rising strengths.

    Attributes:
        name: In files, such as ``"blur"``.
        words: What a person calls it, with the unit.
        strengths: What ``disturb`` takes, from mild to severe.
        label: Of a strength, for people.
        disturb: Chips and strength to disturbed chips.
    """

    name: str
    words: str
    strengths: tuple[float, ...]
    label: Callable[[float], str]
    disturb: Callable[[Chips, float], Chips]


def scaled(chips: Chips, factor: float) -> Chips:
    """The face ``factor`` times as large, about the middle; edges are repeated."""
    return _warped(chips, factor, 0.0, 0.0)


def shifted(chips: Chips, share: float) -> Chips:
    """Moved right and down by a share of the side; edges are repeated."""
    return _warped(chips, 1.0, 0.0, share)


def rotated(chips: Chips, degrees: float) -> Chips:
    """Turned about the middle; edges are repeated."""
    return _warped(chips, 1.0, degrees, 0.0)


def blurred(chips: Chips, sigma: float) -> Chips:
    """Gaussian blur of ``sigma`` percent of the side."""
    import cv2

    pixels = sigma / 100 * chips.shape[1]
    return _each(
        chips, lambda chip: np.asarray(cv2.GaussianBlur(chip, (0, 0), pixels), dtype=np.uint8)
    )


def compressed(chips: Chips, quality: float) -> Chips:
    """Written as JPEG of that quality and read again."""
    import cv2

    def one(chip: NDArray[np.uint8]) -> NDArray[np.uint8]:
        done, encoded = cv2.imencode(
            ".jpg", np.ascontiguousarray(chip[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
        )
        assert done
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        assert decoded is not None
        return np.asarray(decoded[..., ::-1], dtype=np.uint8)

    return _each(chips, one)


def coarsened(chips: Chips, side: float) -> Chips:
    """Made ``side`` pixels wide and large again: a face that was small in its picture."""
    return _each(chips, lambda chip: resize_square(resize_square(chip, int(side)), len(chip)))


def darkened(chips: Chips, factor: float) -> Chips:
    """Light multiplied by ``factor``, in linear light (gamma 2.2)."""
    table = np.rint(255 * (np.linspace(0, 1, 256) * factor ** (1 / 2.2)).clip(0, 1))
    return np.asarray(table.astype(np.uint8)[chips])


def greyed(chips: Chips, share: float) -> Chips:
    """Colour replaced by its luma (Rec. 601) to that share."""
    luma = chips @ np.array([0.299, 0.587, 0.114])
    mixed = (1 - share) * chips + share * luma[..., None]
    return np.asarray(np.rint(mixed).clip(0, 255), dtype=np.uint8)


def occluded(chips: Chips, share: float) -> Chips:
    """The lowest ``share`` of the chip covered in grey, as by a mask or a hand."""
    covered: Chips = chips.copy()
    covered[:, round((1 - share) * chips.shape[1]) :] = 127
    return covered


def mirrored(chips: Chips, share: float) -> Chips:
    """Left and right exchanged, if ``share`` is 1."""
    return chips[:, :, ::-1] if share else chips


FACTORS: tuple[Factor, ...] = (
    Factor("smaller", "face smaller in the crop", (0.9, 0.8, 0.7, 0.5), "{:.0%}".format, scaled),
    Factor("larger", "face larger in the crop", (1.1, 1.25, 1.5, 2.0), "{:.0%}".format, scaled),
    Factor("shift", "crop shifted, share of side", (0.05, 0.1, 0.2, 0.3), "{:.0%}".format, shifted),
    Factor("rotation", "rotated, degrees", (10, 20, 45, 90, 180), "{:.0f}".format, rotated),
    Factor("blur", "blur, sigma in % of side", (1, 2, 4, 8), "{:.0f} %".format, blurred),
    Factor("jpeg", "JPEG quality", (50, 20, 10, 5), "{:.0f}".format, compressed),
    Factor("resolution", "face resolution, pixels", (64, 32, 24, 16), "{:.0f}".format, coarsened),
    Factor("darkness", "light left", (0.5, 0.25, 0.1, 0.03), "{:.0%}".format, darkened),
    Factor("grey", "colour taken away", (1.0,), "{:.0%}".format, greyed),
    Factor("occlusion", "covered from below", (0.2, 0.35, 0.5, 0.65), "{:.0%}".format, occluded),
    Factor("mirror", "mirrored", (1.0,), lambda _: "yes", mirrored),
)


def _each(chips: Chips, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Chips:
    return np.stack([change(chip) for chip in chips]) if len(chips) else chips


def _warped(chips: Chips, scale: float, degrees: float, shift: float) -> Chips:
    import cv2

    side = chips.shape[1]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, scale)
    matrix[:, 2] += shift * side
    return _each(
        chips,
        lambda chip: np.asarray(
            cv2.warpAffine(
                chip,
                matrix,
                (side, side),
                flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            dtype=np.uint8,
        ),
    )
