"""Pictures that a table holds as numbers, such as the UTKFace tables of notebooks."""

from __future__ import annotations

import io
import math
from functools import partial

import numpy as np
from PIL import Image

from utkage.core.errors import LabelError
from utkage.data.label_files.row import PictureLoader

_CHANNELS = (1, 3)


def picture_of_pixels(text: str) -> PictureLoader:
    """A loader of the picture whose values 0..255 are written in rows, separated by spaces.

    Grey pictures have one value for each pixel, colour pictures three. The pictures are square.

    Raises:
        LabelError: the text is empty.
    """
    if not text:
        raise LabelError("the pixels are missing")
    return partial(_encode, text)


def _encode(text: str) -> bytes:
    """PNG bytes of the picture; empty bytes, which no decoder accepts, if it is not one."""
    numbers = text.strip("[]() ").replace(",", " ").split()
    try:
        values = np.array(numbers, dtype=np.float64)
    except ValueError:
        return b""
    for channels in _CHANNELS:
        size = math.isqrt(len(values) // channels)
        if size > 0 and size * size * channels == len(values):
            break
    else:
        return b""
    if not ((values >= 0) & (values <= 255)).all():
        return b""
    pixels = np.rint(values).astype(np.uint8).reshape(size, size, channels)
    buffer = io.BytesIO()
    # Without compression, so that the bytes, and their hash, are the same everywhere.
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(
        buffer, "PNG", compress_level=0
    )
    return buffer.getvalue()
