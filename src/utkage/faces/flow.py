"""Tracking of faces from one frame of a video to the next without a detector.

As in Median Flow (Kalal, Mikolajczyk and Matas, "Forward-backward error: automatic detection of
tracking failures", ICPR 2010), optical flow (Lucas and Kanade 1981, in pyramids) moves points on
the face. Points that do not return to their start when they are tracked back are dropped, and a
similarity transform is fitted to the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from utkage.faces.detector import Box, Face, Landmarks

# Long side of the pictures for optical flow: enough for faces of 24 pixels in a full frame.
_LONG_SIDE = 640
# Points per row and column of the grid on the face, in the part of the box that shows skin.
_GRID = 6
_INNER = (0.15, 0.85)
# Largest distance between a point and its track back, in pixels of the small picture.
_LARGEST_RETURN_ERROR = 1.0
_FEWEST_POINTS = 8
# A larger change of size from one frame to the next is an error.
_LARGEST_GROWTH = 1.3
_WINDOW = 15
_LEVELS = 3

Grey = NDArray[np.uint8]


def motion_picture(rgb: NDArray[np.uint8]) -> tuple[Grey, float]:
    """The picture for optical flow, uint8 grey (h, w), and its scale relative to ``rgb``."""
    import cv2

    scale = min(1.0, _LONG_SIDE / max(rgb.shape[:2]))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return grey.astype(np.uint8, copy=False), scale


def follow(before: Grey, now: Grey, scale: float, faces: Sequence[Face]) -> list[Face | None]:
    """Move faces from one frame to the next; None stands for a face that was lost.

    ``before`` and ``now`` are the ``motion_picture`` of both, ``scale`` is their scale; ``faces``
    are in pixels of the frame itself.
    """
    if not faces or before.shape != now.shape:
        return [None] * len(faces)
    starts = [_points(face) * scale for face in faces]
    start = np.concatenate(starts).astype(np.float32).reshape(-1, 1, 2)
    there, found = _flow(before, now, start)
    back, refound = _flow(now, before, there)
    error = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    good = found & refound & (error < _LARGEST_RETURN_ERROR)
    ends = there.reshape(len(faces), -1, 2).astype(np.float64)
    return [
        _moved(face, points[kept] / scale, end[kept] / scale)
        for face, points, end, kept in zip(
            faces, starts, ends, good.reshape(len(faces), -1), strict=True
        )
    ]


def _flow(
    before: Grey, now: Grey, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """New places of points (n, 1, 2), and which of them were found, (n,)."""
    import cv2

    window = (_WINDOW, _WINDOW)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, now, points, points.copy(), winSize=window, maxLevel=_LEVELS
    )
    return np.asarray(there, dtype=np.float32), np.asarray(found).ravel() == 1


def _points(face: Face) -> NDArray[np.float64]:
    x0, y0, x1, y1 = face.box
    steps = np.linspace(*_INNER, _GRID)
    grid = np.stack(np.meshgrid(x0 + (x1 - x0) * steps, y0 + (y1 - y0) * steps), -1)
    return np.concatenate([grid.reshape(-1, 2), np.asarray(face.landmarks, dtype=np.float64)])


def _moved(face: Face, start: NDArray[np.float64], end: NDArray[np.float64]) -> Face | None:
    import cv2

    if len(start) < _FEWEST_POINTS:
        return None
    matrix, inside = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=max(1.0, face.size / 40)
    )
    if matrix is None or int(inside.sum()) < _FEWEST_POINTS:
        return None
    growth = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if not 1 / _LARGEST_GROWTH < growth < _LARGEST_GROWTH:
        return None
    x0, y0, x1, y1 = face.box
    # The box scales and shifts with the face but stays upright, like boxes of the detector.
    centre = matrix[:, :2] @ np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + matrix[:, 2]
    half = growth * np.array([x1 - x0, y1 - y0]) / 2
    box: Box = (*(centre - half).tolist(), *(centre + half).tolist())
    points = np.asarray(face.landmarks, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    landmarks: Landmarks = tuple((float(px), float(py)) for px, py in points)  # type: ignore[assignment]
    return Face(box, face.score, landmarks)
