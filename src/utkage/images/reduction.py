"""Reading pictures of very many pixels at a half, a quarter or an eighth of their size."""

from __future__ import annotations

from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.jpeg import has_one_scan

MAX_PIXELS = 100_000_000
"""Default largest number of pixels of a picture that is read at its own size."""

# JPEG decoders reduce by these factors while they decode.
_FACTORS = (1, 2, 4, 8)
# What has to be decoded as a whole first may have this many times the pixels of the limit.
_WHOLE = 2


def factor_within(width: int, height: int, max_pixels: int) -> int:
    """The smallest factor that reduces a picture to the limit; the largest one if none does."""
    for factor in _FACTORS:
        if -(-width // factor) * -(-height // factor) <= max_pixels:
            return factor
    return _FACTORS[-1]


def reduce_while_read(image: Image.Image, content: bytes, factor: int, max_pixels: int) -> None:
    """Let Pillow reduce a picture by ``factor`` while it decodes, if its format can.

    ``image`` is a picture that is opened but not decoded yet, and ``content`` its file.

    Raises:
        ImageError: the picture is so large that decoding it takes too much memory.
    """
    width, height = image.size
    is_jpeg = image.format in ("JPEG", "MPO")
    times = _WHOLE
    if is_jpeg and has_one_scan(content):
        times = _FACTORS[-1] ** 2
    if width * height > times * max_pixels:
        raise ImageError(
            f"{width} x {height} is over the limit of {max_pixels} pixels, and too large to be "
            f"reduced while it is read; raise `max_pixels` to {-(-width * height // times)} or "
            "more, or make the picture smaller"
        )
    if is_jpeg:
        image.draft(None, (max(1, width // factor), max(1, height // factor)))
