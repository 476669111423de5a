"""Colours of every kind as uint8 RGB."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images import pixels
from utkage.images.pixels import eight_bit, from_array, to_rgb


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F"])
@pytest.mark.parametrize("factor", [1, 2])
def test_strips_give_the_pixels_of_the_whole(
    mode: str, factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (34, 21, 3), dtype=np.uint8)
    grey = Image.fromarray(rgb[..., 0])
    image = (
        grey.convert("I").convert(mode) if mode == "I;16" else Image.fromarray(rgb).convert(mode)
    )
    whole = to_rgb(image, factor)
    assert whole.shape == (34 // factor, -(-21 // factor), 3)
    monkeypatch.setattr(pixels, "_STRIP_PIXELS", 21 * 4)
    np.testing.assert_array_equal(to_rgb(image, factor), whole)


def test_reduction_takes_the_mean_of_each_square() -> None:
    squares = np.zeros((4, 4), np.uint8)
    squares[:2, :2] = [[0, 100], [100, 200]]
    assert to_rgb(Image.fromarray(squares), 2)[..., 0].tolist() == [[100, 0], [0, 0]]


@pytest.mark.parametrize(
    ("values", "floating", "expected"),
    [
        ([0.0, 0.5, 1.0], True, [0, 128, 255]),
        ([0.0, 100.0, 255.0], True, [0, 100, 255]),
        ([-1.0, 0.0, 1.0], True, [0, 128, 255]),
        ([0.0, 500.0, 1000.0], True, [0, 128, 255]),
        ([0, 257, 65535], False, [0, 1, 255]),
        ([-10, 0, 10], False, [0, 128, 255]),
        ([7.0, 7.0], True, [7, 7]),
        ([300.0, 300.0], True, [0, 0]),
    ],
)
def test_grey_values_of_any_extent(
    values: list[float], floating: bool, expected: list[int]
) -> None:
    array = np.array(values)
    extent = float(array.min()), float(array.max())
    assert eight_bit(array, extent, floating=floating).tolist() == expected


def test_values_that_are_not_finite_are_black() -> None:
    array = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert eight_bit(array, (0.0, 1.0), floating=True).tolist() == [0, 0, 0, 255]


def test_arrays_of_each_shape() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = np.stack([grey] * 3, axis=2)
    np.testing.assert_array_equal(from_array(grey), expected)
    np.testing.assert_array_equal(from_array(grey[..., None]), expected)
    np.testing.assert_array_equal(from_array(expected), expected)
    opaque = np.dstack([expected, np.full((3, 4), 255, np.uint8)])
    np.testing.assert_array_equal(from_array(opaque), expected)
    clear = np.dstack([expected, np.zeros((3, 4), np.uint8)])
    assert (from_array(clear) == 255).all(), "transparency lies over white"


def test_sixteen_bits_keep_their_range() -> None:
    grey = np.array([[0, 257, 65535]], np.uint16)
    assert from_array(grey)[0, :, 0].tolist() == [0, 1, 255]
    colours = np.array([[[0, 256, 65535]]], np.uint16)
    assert from_array(colours).tolist() == [[[0, 1, 255]]]


def test_the_result_may_be_changed() -> None:
    frozen = np.zeros((2, 2, 3), np.uint8)
    frozen.flags.writeable = False
    from_array(frozen)[0, 0, 0] = 1
    assert frozen[0, 0, 0] == 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \(0, 4, 3\) is not a picture"),
        (np.zeros((2, 4, 4, 3), np.uint8), "or a list of such arrays"),
        (np.zeros((3, 20, 30), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((4, 4, 3), np.float32), r"\(255 \* array\)"),
        (np.zeros((4, 4, 3), np.int64), r"array\.astype\('uint8'\)"),
        (np.zeros((4, 4, 2), np.uint8), "is not a picture; use uint8 RGB"),
        (np.zeros((4, 4), np.uint32), "is not a picture"),
        (np.zeros(4, np.uint8), "is not a picture"),
    ],
)
def test_other_arrays_are_refused_with_advice(array: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        from_array(array)
