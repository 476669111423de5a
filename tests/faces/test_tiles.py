from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.faces.tiles import (
    MOST_SEARCHED,
    TILE_OVERLAP,
    TILE_SIDE,
    largest_scale,
    search_side,
    tiles,
    windows,
)


def numbered(width: int, height: int) -> np.ndarray:
    """A picture whose first two channels count its columns and rows, modulo 256."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width) % 256
    picture[..., 1] = (np.arange(height) % 256)[:, None]
    return picture


@pytest.mark.parametrize(
    ("width", "height", "side"), [(400, 300, 400), (300, 400, 400), (5000, 300, 600), (7, 7, 7)]
)
def test_a_long_strip_counts_as_a_piece_of_it(width: int, height: int, side: int) -> None:
    assert search_side(width, height) == side


@settings(max_examples=30)
@given(st.integers(1, 6000), st.sampled_from([TILE_OVERLAP, 400]))
def test_tiles_cover_a_picture_and_overlap(width: int, overlap: int) -> None:
    picture = numbered(width, 3)
    spans = []
    for x, y, tile in tiles(picture, overlap):
        assert (y, tile.shape[0]) == (0, 3)
        assert tile.shape[1] <= TILE_SIDE
        np.testing.assert_array_equal(tile, picture[:, x : x + tile.shape[1]])
        spans.append((x, x + tile.shape[1]))
    assert (spans[0][0], spans[-1][1]) == (0, width)
    assert all(end - start >= overlap for (_, end), (start, _) in pairwise(spans))


def test_a_picture_that_fits_is_one_tile() -> None:
    picture = numbered(TILE_SIDE, 20)
    ((x, y, tile),) = tiles(picture)
    assert (x, y) == (0, 0)
    np.testing.assert_array_equal(tile, picture)


def test_windows_lie_around_their_points() -> None:
    picture = numbered(1000, 800)
    points = np.array([[30.0, 40.0], [35.0, 45.0], [999.0, 799.0], [512.0, 390.0]])
    found = list(windows(picture, points, 100))
    assert len(found) == 3, "the first two points share a window"
    for x, y, piece in found:
        height, width = piece.shape[:2]
        np.testing.assert_array_equal(piece, picture[y : y + height, x : x + width])
    for px, py in points:
        assert any(
            (x == 0 or px - x >= 50)
            and (y == 0 or py - y >= 50)
            and (x + piece.shape[1] == 1000 or x + piece.shape[1] - px >= 50)
            and (y + piece.shape[0] == 800 or y + piece.shape[0] - py >= 50)
            for x, y, piece in found
        )


def test_many_points_give_the_whole_picture() -> None:
    picture = numbered(200, 200)
    points = np.random.default_rng(0).uniform(0, 200, (200, 2))
    ((x, y, piece),) = windows(picture, points, 50)
    assert (x, y, piece.shape) == (0, 0, picture.shape)


def test_only_very_long_strips_are_searched_at_a_lower_resolution() -> None:
    for width, height in ((10_000, 10_000), (16_000, 800), (800, 24_000), (400, 12_000)):
        assert largest_scale(width, height) >= 1600 / search_side(width, height)
    scale = largest_scale(50, 2_000_000)
    assert 50 * 2_000_000 * scale**2 == pytest.approx(MOST_SEARCHED)
