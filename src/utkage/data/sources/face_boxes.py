"""Pictures in which a label file marks the face that it labels."""

from __future__ import annotations

import io
import math

from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.decode import decode_image

Box = tuple[float, float, float, float]

# Width of what stays around a box, as a fraction of its longer side: enough for detection, and
# little enough that the marked face is the largest.
MARGIN = 0.4


def crop_to_box(content: bytes, box: Box, max_pixels: int) -> bytes:
    """The part of a picture around a box (left, top, right, bottom, pixels), as PNG.

    Pictures that cannot be decoded, and boxes outside of the picture, leave ``content`` as it is.
    """
    try:
        decoded = decode_image(content, max_pixels=max_pixels)
    except ImageError:
        return content
    rgb = decoded.pixels
    left, top, right, bottom = (value / decoded.scale for value in box)
    margin = MARGIN * max(right - left, bottom - top)
    height, width = rgb.shape[:2]
    first_column, last_column = max(0, math.floor(left - margin)), math.ceil(right + margin)
    first_row, last_row = max(0, math.floor(top - margin)), math.ceil(bottom + margin)
    if first_column >= width or first_row >= height:
        return content
    buffer = io.BytesIO()
    part = rgb[first_row:last_row, first_column:last_column]
    # Without compression, so that the bytes, and their hash, are the same everywhere.
    Image.fromarray(part).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()
