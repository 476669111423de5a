"""The face detector interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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
            upright picture; they may lie outside of it.
        rotated: Degrees clockwise by which the picture has to be rotated to be upright: 0, 90, 180
            or 270. The coordinates are those of the picture as it is.
    """

    box: Box
    score: float
    landmarks: Landmarks
    rotated: int = 0

    @property
    def size(self) -> float:
        """The longer side of the box, in pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def area(self) -> float:
        """Area of the box, in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass(frozen=True)
class Search:
    """The outcome of a thorough search.

    Attributes:
        faces: The faces, the largest first.
        best_score: Highest score of any detection, 0..1, also below the detector's threshold.
    """

    faces: list[Face]
    best_score: float


class Detector(Protocol):
    """Finds faces."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb``, uint8 (height, width, 3), the largest first."""


class SearchingDetector(Detector, Protocol):
    """A detector of upright faces whose results tell whether a picture is upright.

    Attributes:
        sure_score: Score that upright faces reach and rotated ones hardly ever do, 0..1.
        on_cpu_because: Why it runs on the CPU although a GPU was requested; None otherwise.
    """

    sure_score: float

    @property
    def on_cpu_because(self) -> str | None: ...  # noqa: D102

    def search(self, rgb: NDArray[np.uint8]) -> Search:
        """Find the faces of ``rgb`` as ``detect`` does."""

    def glance(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the large faces of ``rgb`` quickly, in a single pass at its own size."""


@runtime_checkable
class ReducingDetector(Detector, Protocol):
    """A detector with lengths in pixels, such as that of the smallest face."""

    def for_reduced(self, scale: int) -> Detector:
        """The same detector for pictures of which one pixel stands for ``scale`` x ``scale``."""


def for_reduced(detector: Detector, scale: int) -> Detector:
    """A detector for pictures that were reduced by ``scale``, whose faces are smaller."""
    if scale == 1 or not isinstance(detector, ReducingDetector):
        return detector
    return detector.for_reduced(scale)
