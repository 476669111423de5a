"""The later pictures of a file that has several: animations, pages of a scan, bursts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

from utkage.images.bounded_stream import MOST_SECONDS
from utkage.images.decode import DecodedImage, open_picture, upright
from utkage.images.frames import frames_of, is_map_of
from utkage.images.reduction import MAX_PIXELS

MOST_PICTURES = 200
"""Largest number of pictures of one file that are searched for a face, after the first."""

# Largest difference of 16 x 16 grey values of pictures that are alike.
_HARDLY = 4


def later_pictures(
    content: bytes, *, max_pixels: int = MAX_PIXELS
) -> Iterator[tuple[int, DecodedImage]]:
    """Yield the pictures of a file from the second on, and their numbers, up to a damaged one.

    Pictures that hardly differ from the one before are skipped; at most ``MOST_PICTURES`` are
    yielded, and none after ``MOST_SECONDS`` of the thread, which include what the caller does with
    them.
    """
    yielded, before = 0, None
    ends = time.thread_time() + MOST_SECONDS
    # What follows a damaged picture cannot be decoded; the first one could.
    with contextlib.suppress(Exception), open_picture(content) as image:
        first_mode = image.mode
        for index in frames_of(image)[1:]:
            if time.thread_time() > ends:
                return
            image.seek(index)
            if is_map_of(image, first_mode):
                continue
            decoded = upright(image, max_pixels, content, in_place=False)
            grey = Image.fromarray(decoded.pixels).resize((16, 16)).convert("L")
            thumbnail = np.asarray(grey, dtype=np.int16)
            if before is not None and np.abs(thumbnail - before).max() < _HARDLY:
                continue
            before = thumbnail
            yield index + 1, decoded
            yielded += 1
            if yielded == MOST_PICTURES:
                return
