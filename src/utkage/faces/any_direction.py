"""Faces in pictures that lie on their side or upside down without a note in EXIF.

Detectors are made for upright faces. In a rotated picture they find fewer faces, with lower scores,
and scrambled landmarks: eyes below the mouth, or the nose beside the face. Only a picture with
such signs is searched in the other directions, first at a reduced size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.faces.contract import Point
from utkage.faces.detector import Box, Face, Landmarks, Search, SearchingDetector, for_reduced
from utkage.faces.tiles import search_side

# Where landmarks lie in 378 upright photographs of three data sets, with room to spare: the
# direction from the eyes to the mouth, in degrees from vertical; their distance over the size of
# the box; and the place of the nose between them, 0 at the eyes and 1 at the mouth.
_MOST_ROLL = 50.0
_LEAST_HEIGHT = 0.25
_NOSE = (0.25, 0.85)
# Rotated faces seem to lean more than upright ones do: the score that makes a face sure rises.
_SCORE_PER_DEGREE = 0.0004
# A picture without faces in which no detection has this score shows none in any direction.
_HINT_SCORE = 0.15
# Sizes at which the other directions are tried one after the other, in pixels as `search_side`.
_TRIAL_SIDES = (320, 640, 1600)
# Power of the score in the evidence: 0.99 counts as 0.85 and 0.95 as 0.44.
_SCORE_POWER = 16
# Another direction needs more evidence than the picture as it is, by this factor, and a face whose
# score is at most this far below the sure one.
_CLEARLY = 1.1
_SCORE_TOLERANCE = 0.05


@dataclass(frozen=True)
class AnyDirectionDetector:
    """Finds faces in upright pictures, and in those rotated by 90, 180 or 270 degrees.

    Attributes:
        detector: Detector of upright faces.
    """

    detector: SearchingDetector

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb``, uint8 (height, width, 3), the largest first.

        All faces of a picture have the same ``Face.rotated``.
        """
        upright = self.detector.search(rgb)
        if self._is_upright(upright):
            return upright.faces
        quarters = self._best_quarters(rgb, upright.faces)
        if not quarters:
            return upright.faces
        height, width = rgb.shape[:2]
        turned = self.detector.detect(_rotated(rgb, quarters))
        if not _is_clear(_evidence(turned), upright.faces) or not any(
            is_well_formed(face) and face.score >= self.detector.sure_score - _SCORE_TOLERANCE
            for face in turned
        ):
            return upright.faces
        return [_as_given(face, quarters, width, height) for face in turned]

    def for_reduced(self, scale: int) -> AnyDirectionDetector:
        """The same detector for pictures of which one pixel stands for ``scale`` x ``scale``."""
        detector: Any = for_reduced(self.detector, scale)
        return AnyDirectionDetector(detector)

    def _is_upright(self, search: Search) -> bool:
        """Whether most faces, weighted by size, are certainly upright, or there is no face."""
        if not search.faces:
            return search.best_score < _HINT_SCORE
        sure = sum(
            face.size
            for face in search.faces
            if is_well_formed(face)
            and face.score >= self.detector.sure_score + _SCORE_PER_DEGREE * abs(_roll(face))
        )
        return sure >= sum(face.size for face in search.faces) / 2

    def _best_quarters(self, rgb: NDArray[np.uint8], upright: list[Face]) -> int:
        """Quarter turns anticlockwise that make the picture upright; 0 if it seems to be."""
        for reduced in _reduced(rgb):
            found = {
                quarters: self.detector.glance(_rotated(reduced, quarters))
                for quarters in (1, 2, 3)
            }
            best = max(found, key=lambda quarters: _evidence(found[quarters]))
            scale = max(rgb.shape[:2]) / max(reduced.shape[:2])
            if _is_clear(math.sqrt(scale) * _evidence(found[best]), upright):
                return best
        return 0


def is_well_formed(face: Face) -> bool:
    """Whether the landmarks are those of an upright face, seen from the front or the side."""
    left_eye, right_eye, nose, left_mouth, right_mouth = np.asarray(face.landmarks, np.float64)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    height = float(np.hypot(*(mouth - eyes)))
    if height < max(_LEAST_HEIGHT * face.size, 1e-6):
        return False
    place = float((nose - eyes) @ (mouth - eyes)) / height**2
    return abs(_roll(face)) <= _MOST_ROLL and _NOSE[0] <= place <= _NOSE[1]


def _roll(face: Face) -> float:
    """Degrees by which the line from the eyes to the mouth leans, 0 for an upright face."""
    left_eye, right_eye, _, left_mouth, right_mouth = np.asarray(face.landmarks, np.float64)
    x, y = left_mouth + right_mouth - left_eye - right_eye
    return math.degrees(math.atan2(-x, y))


def _evidence(faces: list[Face]) -> float:
    """How much evidence there is for the direction in which these faces were found."""
    weights = (
        math.sqrt(face.size)
        * face.score**_SCORE_POWER
        * max(0.0, math.cos(2 * math.radians(_roll(face))))
        for face in faces
        if is_well_formed(face)
    )
    return sum(weights)


def _is_clear(evidence: float, upright: list[Face]) -> bool:
    return evidence > _CLEARLY * _evidence(upright)


def _reduced(rgb: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    import cv2

    height, width = rgb.shape[:2]
    side = search_side(width, height)
    for wanted in _TRIAL_SIDES:
        if side <= wanted:
            yield rgb
            return
        size = (max(1, round(width * wanted / side)), max(1, round(height * wanted / side)))
        smaller = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        yield smaller.astype(np.uint8, copy=False)


def _rotated(rgb: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(rgb, quarters))


def _as_given(face: Face, quarters: int, width: int, height: int) -> Face:
    """A face found after quarter turns anticlockwise, in the picture (width, height) as given."""

    def back(point: Point) -> Point:
        x, y = point
        return {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[quarters]

    x0, y0, x1, y1 = face.box
    corners = (back((x0, y0)), back((x1, y1)))
    (left, right), (top, bottom) = (sorted(axis) for axis in zip(*corners, strict=True))
    box: Box = (left, top, right, bottom)
    landmarks: Landmarks = tuple(map(back, face.landmarks))  # type: ignore[assignment]
    return replace(face, box=box, landmarks=landmarks, rotated=360 - 90 * quarters)
