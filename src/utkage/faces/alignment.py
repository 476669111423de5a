"""Alignment: cutting out a face so that its landmarks lie where the crop contract puts them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.faces.contract import UTKFACE_BOX, UTKFACE_CHIP_SIZE, CropContract, Point

# Landmarks with a smaller root-mean-square distance from their centre, in pixels, do not define the
# size and direction of a face.
_MIN_SPREAD = 0.5
# Largest resolution of the warp before averaging, as a multiple of the chip's.
_MAX_OVERSAMPLING = 3


def similarity_transform(source: Sequence[Point], target: Sequence[Point]) -> NDArray[np.float64]:
    """Rotation, uniform scale and shift that map ``source`` closest to ``target``.

    Least squares without reflection: Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns", IEEE PAMI 13(4), 1991.

    Returns:
        float64 (2, 3) matrix M that maps a point p to ``M[:, :2] @ p + M[:, 2]``.

    Raises:
        ImageError: the points are fewer than two, unequal in number, not finite, or coincident.
    """
    start = np.asarray(source, dtype=np.float64)
    goal = np.asarray(target, dtype=np.float64)
    if start.ndim != 2 or start.shape != goal.shape or start.shape[0] < 2 or start.shape[1] != 2:
        raise ImageError("landmarks and template are not the same number of points (at least 2)")
    if not (np.isfinite(start).all() and np.isfinite(goal).all()):
        raise ImageError("landmarks are not finite numbers; the face cannot be aligned")
    start_mean, goal_mean = start.mean(axis=0), goal.mean(axis=0)
    start_centred, goal_centred = start - start_mean, goal - goal_mean
    variance = float((start_centred**2).sum() / len(start))
    if variance <= np.finfo(np.float64).eps * max(1.0, float((start_mean**2).sum())):
        raise ImageError("landmarks lie on one point; the face cannot be aligned")
    left, spread, right = np.linalg.svd(goal_centred.T @ start_centred / len(start))
    signs = np.array([1.0, math.copysign(1.0, np.linalg.det(left) * np.linalg.det(right))])
    scale = float((spread * signs).sum()) / variance
    linear = scale * (left * signs) @ right
    return np.column_stack([linear, goal_mean - linear @ start_mean])


def extract_chip(
    rgb: NDArray[np.uint8], landmarks: Sequence[Point], contract: CropContract
) -> NDArray[np.uint8]:
    """Cut out the chip of a face, uint8 RGB (contract.size, contract.size, 3).

    Faces larger than the chip are averaged down. Pixels beyond the picture are black, as in the
    aligned chips of UTKFace. ``landmarks`` are the five of ``Face``, in pixels of ``rgb``, uint8
    (height, width, 3).

    Raises:
        ImageError: the landmarks are not finite or lie (nearly) on one point.
    """
    return cut_chip(rgb, landmarks_to_chip(landmarks, contract), contract)


def landmarks_to_chip(landmarks: Sequence[Point], contract: CropContract) -> NDArray[np.float64]:
    """The (2, 3) matrix that maps the five landmarks of a face to their places in the chip.

    Raises:
        ImageError: the landmarks are not finite or lie (nearly) on one point.
    """
    to_chip = similarity_transform(landmarks, contract.template)
    if math.sqrt(np.var(landmarks, axis=0, dtype=np.float64).sum()) < _MIN_SPREAD:
        raise ImageError("landmarks lie on one point; the face cannot be aligned")
    return to_chip


def box_to_chip(
    box: tuple[float, float, float, float], contract: CropContract, rotated: int = 0
) -> NDArray[np.float64]:
    """The (2, 3) matrix that maps a box to the box of an aligned face.

    It is for detectors with unreliable landmarks. The longer side of the box, which should not be
    cut at the edge of the picture, decides the scale. The chip is rotated by the quarter turns of
    ``Face.rotated`` only.

    Raises:
        ImageError: the box is empty.
    """
    x0, y0, x1, y1 = box
    longer = max(x1 - x0, y1 - y0)
    if not longer > 0:
        raise ImageError("the box of the face is empty; the face cannot be cut out")
    left, top, right, bottom = np.asarray(UTKFACE_BOX) * contract.size / UTKFACE_CHIP_SIZE
    scale = max(right - left, bottom - top) / longer
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotated]
    linear = scale * np.array([[cosine, -sine], [sine, cosine]])
    centre = np.array([left + right, top + bottom]) / 2
    return np.column_stack([linear, centre - linear @ (np.array([x0 + x1, y0 + y1]) / 2)])


def cut_chip(
    rgb: NDArray[np.uint8], to_chip: NDArray[np.float64], contract: CropContract
) -> NDArray[np.uint8]:
    """Cut out a chip: uint8 RGB (size, size, 3), black beyond the picture.

    ``rgb`` is uint8 (height, width, 3). ``to_chip`` is the (2, 3) matrix from the picture to the
    chip, as from ``landmarks_to_chip``.
    """
    import cv2

    pixels_per_chip_pixel = 1 / max(math.sqrt(abs(np.linalg.det(to_chip[:, :2]))), 1e-9)
    oversampling = min(max(1, math.ceil(pixels_per_chip_pixel - 1e-3)), _MAX_OVERSAMPLING)
    size = contract.size * oversampling
    to_large = to_chip * oversampling

    x0, y0, x1, y1 = _region(to_large, size, rgb.shape[1], rgb.shape[0])
    if x0 >= x1 or y0 >= y1:
        return np.zeros((contract.size, contract.size, 3), dtype=np.uint8)
    region = rgb[y0:y1, x0:x1]
    shrink = min(1.0, oversampling / pixels_per_chip_pixel)
    shrunk_size = (max(1, round((x1 - x0) * shrink)), max(1, round((y1 - y0) * shrink)))
    if shrunk_size != (x1 - x0, y1 - y0):
        region = cv2.resize(
            np.ascontiguousarray(region), shrunk_size, interpolation=cv2.INTER_AREA
        ).astype(np.uint8, copy=False)
    factors = np.array([shrunk_size[0] / (x1 - x0), shrunk_size[1] / (y1 - y0)])
    linear = to_large[:, :2] / factors
    shift = to_large[:, 2] + to_large[:, :2] @ np.array([x0, y0], dtype=np.float64)
    # Pixel centres lie at one half in the contract and at whole numbers in warpAffine.
    shift = shift + linear @ np.array([0.5, 0.5]) - 0.5
    # By default, pixels are interpolated linearly, and those beyond the picture are black.
    large = cv2.warpAffine(region, np.column_stack([linear, shift]), (size, size))
    if oversampling > 1:
        large = cv2.resize(large, (contract.size, contract.size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(large, dtype=np.uint8)


def _region(
    to_chip: NDArray[np.float64], size: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """The part of the picture that the chip shows, x0, y0, x1, y1, with a margin to interpolate."""
    inverse = np.linalg.inv(to_chip[:, :2])
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], dtype=np.float64)
    seen = (corners - to_chip[:, 2]) @ inverse.T
    margin = 2 + 2 * math.sqrt(abs(np.linalg.det(inverse)))
    low = np.clip(np.floor(seen.min(axis=0) - margin), 0, [width, height])
    high = np.clip(np.ceil(seen.max(axis=0) + margin), 0, [width, height])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
