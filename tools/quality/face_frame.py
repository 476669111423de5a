"""Places on a face in units of the distance of its eyes, and fillings for shapes painted there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from utkage.faces.contract import Point

Image = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
Painter = Callable[[Image, Sequence[Point], np.random.Generator], Image]
"""Paints on a picture, uint8 RGB, with the five landmarks of a face; returns a new picture."""

# Fractional bits of coordinates in cv2.
_BITS = 4


@dataclass(frozen=True)
class FaceFrame:
    """Coordinates on one face.

    The origin lies in the middle between the eyes, x points to the right eye as seen in the
    picture, y down the face. The unit is the distance of the eyes: the mouth lies near y = 0.95,
    the chin near 1.6, the hairline near -0.9, and the cheeks end near x = -1 and 1.
    """

    origin: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: Sequence[Point]) -> FaceFrame:
        """The frame of a face with five landmarks, in pixels of its picture."""
        left_eye, right_eye, _, left_mouth, right_mouth = np.asarray(landmarks, dtype=np.float64)
        origin = (left_eye + right_eye) / 2
        across = right_eye - left_eye
        # In profile, the eyes are close together; the way to the mouth still tells the size.
        to_mouth = (left_mouth + right_mouth) / 2 - origin
        unit = max(float(np.hypot(*across)), float(np.hypot(*to_mouth)) / 1.2, 2.0)
        across = across / max(float(np.hypot(*across)), 1e-6) * unit
        return cls(origin, across, np.array([-across[1], across[0]]))

    @property
    def unit(self) -> float:
        """The distance of the eyes, in pixels."""
        return float(np.hypot(*self.across))

    def pixels(self, places: object) -> NDArray[np.float64]:
        """Places on the face, (n, 2), in pixels of the picture."""
        xy = np.asarray(places, dtype=np.float64)
        return self.origin + xy[:, :1] * self.across + xy[:, 1:] * self.down

    def shape(self, image: Image, outline: object, *, smooth: bool = False) -> Floats:
        """How much of each pixel lies in a polygon of places, 0..1, (H, W)."""
        corners = np.asarray(outline, dtype=np.float64)
        points = self.pixels(_rounded_off(corners) if smooth else corners)
        mask = np.zeros(image.shape[:2], dtype=np.uint8)
        fixed = np.rint(points * 2**_BITS).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _BITS)
        return mask.astype(np.float32) / 255

    def ellipse(
        self, image: Image, centre: Point, half: Point, power: float = 2.0, degrees: float = 0.0
    ) -> Floats:
        """A (super)ellipse with its half axes ``half``; a higher ``power`` has fuller corners."""
        angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        cosine, sine = np.cos(angle), np.sin(angle)
        x = half[0] * np.sign(cosine) * np.abs(cosine) ** (2 / power)
        y = half[1] * np.sign(sine) * np.abs(sine) ** (2 / power)
        turn = np.deg2rad(degrees)
        places = np.stack(
            [
                centre[0] + x * np.cos(turn) - y * np.sin(turn),
                centre[1] + x * np.sin(turn) + y * np.cos(turn),
            ],
            axis=1,
        )
        return self.shape(image, places)

    def line(self, image: Image, places: object, width: float) -> Floats:
        """A line through places, ``width`` distances of the eyes wide."""
        mask = np.zeros(image.shape[:2], dtype=np.uint8)
        points = np.rint(self.pixels(places) * 2**_BITS).astype(np.int32)
        thickness = max(1, round(width * self.unit))
        cv2.polylines(mask, [points], False, 255, thickness, cv2.LINE_AA, _BITS)
        return mask.astype(np.float32) / 255

    def skin(self, image: Image) -> Floats:
        """The median colour of the cheeks and the nose, (3,)."""
        places = [(x, y) for x in (-0.35, -0.2, 0.0, 0.2, 0.35) for y in (0.35, 0.45, 0.55)]
        points = np.rint(self.pixels(places)).astype(int)
        points = np.clip(points, 0, [image.shape[1] - 1, image.shape[0] - 1])
        colour: Floats = np.median(image[points[:, 1], points[:, 0]], axis=0).astype(np.float32)
        return colour


def painted(image: Image, shape: Floats, filling: Floats) -> Image:
    """``image`` with ``filling``, (H, W, 3) or (3,), where ``shape``, (H, W), is 1."""
    result: Image = image.copy()
    rows, columns = (np.flatnonzero(shape.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return result
    # Most shapes are small, and photographs are not.
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    colours = np.broadcast_to(np.asarray(filling, dtype=np.float32), image.shape)[part]
    mixed = image[part] + (colours - image[part]) * shape[part][..., None]
    result[part] = np.rint(mixed).clip(0, 255)
    return result


def any_colour(random: np.random.Generator) -> Floats:
    """The colour of a fabric: often black, white, grey or pale blue, else anything."""
    kind = random.random()
    if kind < 0.2:
        return random.uniform(8, 50, 3).astype(np.float32)
    if kind < 0.4:
        return (random.uniform(190, 250) + random.uniform(-8, 8, 3)).astype(np.float32)
    if kind < 0.5:
        return (random.uniform(60, 190) + random.uniform(-8, 8, 3)).astype(np.float32)
    if kind < 0.6:
        return (np.array([140, 190, 215]) + random.uniform(-30, 30, 3)).astype(np.float32)
    return random.uniform(0, 255, 3).astype(np.float32)


def fabric(image: Image, unit: float, random: np.random.Generator) -> Floats:
    """A filling for a covering, (H, W, 3): one colour or a pattern, in light and shade."""
    height, width = image.shape[:2]
    own = any_colour(random)
    filling: Floats = np.broadcast_to(own, image.shape).astype(np.float32)
    kind = random.random()
    if kind < 0.35:
        share = _pattern(height, width, unit, random)[..., None]
        filling = filling * (1 - share) + any_colour(random) * share
    elif kind < 0.5:
        filling = _piece(image, random)
    if random.random() < 0.7:
        filling = filling * _shade(height, width, random)
    if random.random() < 0.4:
        luma = cv2.GaussianBlur(image.mean(axis=2), (0, 0), max(1.0, 0.1 * unit))
        filling = filling * (0.6 + 0.4 * luma / max(1.0, float(luma.mean())))[..., None]
    if random.random() < 0.5:
        grain = random.normal(0, random.uniform(1, 14), (height, width, 1))
        filling = filling + grain.astype(np.float32)
    return np.asarray(filling.clip(0, 255), dtype=np.float32)


def _pattern(height: int, width: int, unit: float, random: np.random.Generator) -> Floats:
    """Stripes, checks, dots or blots, 0..1, (H, W)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turn = random.uniform(0, np.pi)
    pitch = 2 * np.pi / (random.uniform(0.08, 0.5) * unit)
    one = np.sin((x * np.cos(turn) + y * np.sin(turn)) * pitch)
    other = np.sin((y * np.cos(turn) - x * np.sin(turn)) * pitch)
    kind = random.integers(4)
    if kind == 0:
        waves = one
    elif kind == 1:
        waves = one * other
    elif kind == 2:
        waves = one + other - 1
    else:
        coarse = random.normal(0, 1, (height // 8 + 2, width // 8 + 2)).astype(np.float32)
        waves = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((0.5 + waves * random.uniform(1, 8)).clip(0, 1), dtype=np.float32)


def _piece(image: Image, random: np.random.Generator) -> Floats:
    """A piece of the picture from near its edge, enlarged to its size."""
    height, width = image.shape[:2]
    tall, wide = max(8, height // 5), max(8, width // 5)
    top = int(random.integers(max(1, height - tall)))
    left = 0 if random.random() < 0.5 else width - wide
    piece = image[top : top + tall, left : left + wide]
    return cv2.resize(piece, (width, height)).astype(np.float32)


def _shade(height: int, width: int, random: np.random.Generator) -> Floats:
    """Light and shade, about 1, (H, W, 1)."""
    coarse = random.uniform(0.7, 1.2, (random.integers(2, 6), random.integers(2, 6)))
    shade = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(shade[..., None], dtype=np.float32)


def _rounded_off(corners: NDArray[np.float64], rounds: int = 3) -> NDArray[np.float64]:
    """Chaikin's corner cutting of a closed polygon."""
    for _ in range(rounds):
        following = np.roll(corners, -1, axis=0)
        cut = np.stack([0.75 * corners + 0.25 * following, 0.25 * corners + 0.75 * following], 1)
        corners = cut.reshape(-1, 2)
    return corners
