"""Decoding that ends: the content of a picture as a stream that refuses to be read for too long."""

from __future__ import annotations

import time
from io import BytesIO

from utkage.core.errors import ImageError

MOST_SECONDS = 8.0
"""Longest time that decoding one picture may take, in seconds of one core.

A photograph of 100 million pixels takes two.
"""


class BoundedStream(BytesIO):
    """The content of a picture, for a decoder on the same thread.

    Pillow reads a file piece by piece: markers, chunks, frames, strips, and 64 kB of coded pixels
    at a time. Each read is a chance to end a decoder that takes too long.

    The clock is that of the thread, so that a busy machine fails no picture. It starts when the
    stream is made.
    """

    def __init__(self, content: bytes, most_seconds: float = MOST_SECONDS) -> None:
        super().__init__(content)
        self._limit = most_seconds
        self._ends = time.thread_time() + most_seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on.

        Raises:
            ImageError: the time is over.
        """
        if time.thread_time() > self._ends:
            raise ImageError(
                f"decoding takes longer than {self._limit:g} s; open it in a picture editor and "
                "save it again"
            )
        return super().read(size)
