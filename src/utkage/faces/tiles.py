"""Tiles of pictures that are too large or too long to be searched at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# Of a longer picture, such as a panorama or a strip, the length counts as this many times its
# width: the faces on it are as large as those on a piece of it.
_LARGEST_RATIO = 2

# Windows cover four times the area of their cells; with more of them, tiles cost less.
_MOST_WINDOWS = 0.25

TILE_SIDE = 1600
"""Largest width and height of a tile, in pixels; bounds the memory of the detector."""
TILE_OVERLAP = 160
"""Smallest overlap of neighbouring tiles, in pixels."""


MOST_SEARCHED = 25_000_000
"""Largest number of pixels that one pass over a picture searches: two seconds of one core."""


def largest_scale(width: int, height: int) -> float:
    """The scale at which a pass over a picture searches ``MOST_SEARCHED`` pixels.

    Only strips that are forty times as long as they are wide are searched at a lower resolution
    because of it.
    """
    return math.sqrt(MOST_SEARCHED / (width * height))


def search_side(width: int, height: int) -> int:
    """The side of a picture that decides the resolution at which it is searched, in pixels."""
    return min(max(width, height), _LARGEST_RATIO * min(width, height))


def tiles(
    scaled: NDArray[np.uint8], overlap: int = TILE_OVERLAP
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """The tiles of a picture (height, width, 3), each with its left and top edge."""
    height, width = scaled.shape[:2]
    for y in _starts(height, overlap):
        for x in _starts(width, overlap):
            yield x, y, scaled[y : y + TILE_SIDE, x : x + TILE_SIDE]


def _starts(length: int, overlap: int) -> list[int]:
    if length <= TILE_SIDE:
        return [0]
    count = -(-(length - overlap) // (TILE_SIDE - overlap))
    return [round(at * (length - TILE_SIDE) / (count - 1)) for at in range(count)]


def windows(
    scaled: NDArray[np.uint8], points: NDArray[np.float64], size: int
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Pieces of a picture (height, width, 3) around points (n, 2), as ``tiles`` yields them.

    Each point lies at least ``size`` / 2 from the edges of a piece, or the piece ends with the
    picture. Pieces do not overlap more than that requires; many points give the tiles of the
    whole picture.
    """
    height, width = scaled.shape[:2]
    wanted = np.zeros((-(-height // size), -(-width // size)), dtype=np.uint8)
    cells = np.clip((points // size).astype(int), 0, np.array(wanted.shape)[::-1] - 1)
    wanted[cells[:, 1], cells[:, 0]] = 1
    if wanted.mean() > _MOST_WINDOWS:
        yield from tiles(scaled)
        return
    for row, column in np.argwhere(wanted):
        x, y = max(0, column * size - size // 2), max(0, row * size - size // 2)
        yield int(x), int(y), scaled[y : y + 2 * size, x : x + 2 * size]
