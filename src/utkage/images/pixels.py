"""From the colours of a Pillow image or an array to uint8 RGB."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from utkage.core.errors import ImageError

# Larger pictures are converted strip by strip, because conversions take several copies.
_STRIP_PIXELS = 2_000_000
_WHITE = (255, 255, 255, 255)


def to_rgb(image: Image.Image, factor: int = 1) -> NDArray[np.uint8]:
    """Pixels of an image of any mode, (height, width, 3), transparency over white.

    Each ``factor`` x ``factor`` pixels become their mean; those at the right and lower edge may be
    fewer.
    """
    width, height = image.size
    values = _range_of(image)
    if factor == 1 and width * height <= _STRIP_PIXELS:
        return np.array(_as_rgb(image, values), dtype=np.uint8, order="C")
    rgb = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for row, strip in _strips(image, factor):
        converted = _as_rgb(strip, values)
        reduced = converted.reduce(factor) if factor > 1 else converted
        rgb[row // factor : row // factor + reduced.height] = np.asarray(reduced)
    return rgb


def from_array(pixels: NDArray[np.generic], factor: int = 1) -> NDArray[np.uint8]:
    """Pixels of an array, (height, width, 3); ``factor`` as in ``to_rgb``.

    Raises:
        ImageError: the array has another type or shape than pictures have.
    """
    shape, kind = pixels.shape, pixels.dtype
    if len(shape) == 3 and shape[2] == 1:
        pixels = pixels[..., 0]
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and shape[2] in (3, 4))
    if kind.kind != "u" or kind.itemsize > 2 or not fits or pixels.size == 0:
        raise ImageError(
            f"an array of {kind} {shape} is not a picture; use uint8 RGB (height, width, 3)"
            f"{_advice(pixels)}"
        )
    if pixels.ndim == 3 and kind.itemsize == 2:
        # Pillow reads colours of 16 bits as their upper 8.
        pixels = (pixels.astype(np.uint16) >> 8).astype(np.uint8)
    if factor > 1:
        return to_rgb(Image.fromarray(np.ascontiguousarray(pixels)), factor)
    if pixels.ndim == 3:
        if shape[2] == 3:
            return np.require(pixels, np.uint8, ["C", "W"])
        return to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))
    grey = eight_bit(pixels, (0, 65535)) if kind.itemsize == 2 else pixels
    return np.repeat(np.asarray(grey, np.uint8)[..., np.newaxis], 3, axis=2)


def eight_bit(
    values: NDArray[np.generic], extent: tuple[float, float], *, floating: bool = False
) -> NDArray[np.uint8]:
    """Grey values as 0..255; ``extent`` is the lowest and highest value of the whole picture."""
    grey = _finite(values)
    low, high = extent
    if floating and low >= 0 and high <= 1:
        grey = grey * 255
    elif floating and low >= 0 and high <= 255:
        pass
    elif not floating and low >= 0 and high <= 65535:
        grey = grey / 257
    else:
        grey = (grey - low) / ((high - low) or 1.0) * 255
    return np.rint(grey).astype(np.uint8)


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _strips(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Strips of an image, each with its first row; their heights are multiples of ``factor``."""
    width, height = image.size
    rows = factor * max(1, _STRIP_PIXELS // (width * factor))
    for row in range(0, height, rows):
        yield row, image.crop((0, row, width, min(height, row + rows)))


def _is_wide(image: Image.Image) -> bool:
    """Whether the values of an image may exceed 255 or be fractions."""
    return image.mode.startswith(("I", "F"))


def _range_of(image: Image.Image) -> tuple[float, float]:
    """The lowest and highest value of an image whose values may be anything; else 0 and 0."""
    if not _is_wide(image):
        return 0.0, 0.0
    ends = [
        (float(grey.min()), float(grey.max()))
        for _, strip in _strips(image)
        for grey in [_finite(np.asarray(strip))]
    ]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _as_rgb(image: Image.Image, values: tuple[float, float]) -> Image.Image:
    if _is_wide(image):
        grey = eight_bit(np.asarray(image), values, floating=image.mode.startswith("F"))
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, _WHITE), layer)
    return image if image.mode == "RGB" else image.convert("RGB")


def _advice(pixels: NDArray[np.generic]) -> str:
    """How an array that is not a picture becomes one, as the end of a message."""
    if pixels.ndim == 4:
        return ", or a list of such arrays"
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and pixels.shape[2] > 4:
        return "; move the channels to the end with transpose(1, 2, 0)"
    if pixels.dtype.kind == "f":
        return "; values of 0 to 1 become (255 * array).round().astype('uint8')"
    if pixels.dtype.kind == "i":
        return "; values of 0 to 255 become array.astype('uint8')"
    return ""
