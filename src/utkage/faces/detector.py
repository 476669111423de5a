"""The face detector interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from utkage.faces.contract import Point

Box = tuple[float, float, float, float]
Landmarks = tuple[Point, Point, Point, Point, Point]


@dataclass(frozen=True)
class Face:
    """One face found in a picture.

    Coordinates are in pixels of the picture, whose corners are (0, 0) and (width, height), and
    are not rounded.

    Attributes:
        box: (x0, y0, x1, y1), cut at the edges of the picture.
        score: The detector's confidence, 0..1.
        landmarks: Left eye, right eye, nose, left and right mouth corner, as seen in the
            picture; they may lie outside of it.
    """

    box: Box
    score: float
    landmarks: Landmarks

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Area of the box, in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


class Detector(Protocol):
    """Finds faces."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb``, uint8 (height, width, 3), the largest first."""
