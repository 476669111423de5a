"""The later pictures of a file that has several: animations, pages of a scan, bursts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from utkage.images.decode import open_picture, upright_rgb

MOST_PICTURES = 200
"""Largest number of pictures of one file that are searched for a face, after the first."""

# Largest difference of 16 x 16 grey values of pictures that are alike.
_HARDLY = 4


def later_pictures(
    content: bytes, *, max_pixels: int = 100_000_000
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the pictures of a file from the second on, and their numbers, up to a damaged one.

    Pictures that hardly differ from the one before are skipped; at most ``MOST_PICTURES`` are
    yielded.
    """
    yielded, before = 0, None
    # What follows a damaged picture cannot be decoded; the first one could.
    with contextlib.suppress(Exception), open_picture(content) as image:
        for number in range(1, getattr(image, "n_frames", 1)):
            image.seek(number)
            thumbnail = np.asarray(image.convert("L").resize((16, 16)), dtype=np.int16)
            if before is not None and np.abs(thumbnail - before).max() < _HARDLY:
                continue
            before = thumbnail
            yield number + 1, upright_rgb(image, max_pixels, in_place=False)
            yielded += 1
            if yielded == MOST_PICTURES:
                return
