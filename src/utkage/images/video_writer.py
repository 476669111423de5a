"""Writing of MP4 files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.core.files import replacing
from utkage.images.video import silence_ffmpeg

# MPEG-4 part 2: the best codec that OpenCV's packages can write on every system.
_CODEC = "mp4v"

AddFrame = Callable[[NDArray[np.uint8], float], None]


@contextmanager
def video_file(path: Path, rate: float) -> Iterator[AddFrame]:
    """Write a video; the file appears when the body ends without an error.

    Args:
        path: File with the suffix .mp4. Folders are created.
        rate: Frames per second.

    Yields:
        A function that takes a frame, uint8 RGB (height, width, 3), and its time in seconds.
        Frames are repeated or skipped so that the video keeps these times.

    Raises:
        ImageError: the video cannot be written.
    """
    with replacing(path) as partial:
        writer = _Writer(path, partial, rate)
        try:
            yield writer.add
        finally:
            writer.close()


class _Writer:
    def __init__(self, path: Path, partial: Path, rate: float) -> None:
        self._path, self._partial, self._rate = path, partial, rate
        self._writer: Any = None
        self._size = (0, 0)
        self._last: NDArray[np.uint8] | None = None
        self._written = 0

    def add(self, rgb: NDArray[np.uint8], seconds: float) -> None:
        if self._writer is None:
            self._open(rgb)
        place = round(seconds * self._rate)
        while self._last is not None and self._written < place:
            self._write(self._last)
        self._last = rgb

    def close(self) -> None:
        if self._writer is not None:
            if self._last is not None:
                self._write(self._last)
            self._writer.release()

    def _open(self, rgb: NDArray[np.uint8]) -> None:
        import cv2

        silence_ffmpeg()
        height, width = rgb.shape[:2]
        # The codec halves the resolution of colour, so width and height must be even.
        self._size = (max(2, width - width % 2), max(2, height - height % 2))
        code = cv2.VideoWriter.fourcc(*_CODEC)
        self._writer = cv2.VideoWriter(str(self._partial), code, self._rate, self._size)
        if not self._writer.isOpened():
            raise ImageError(
                f"{self._path}: the video cannot be written; check the free disk space"
            )

    def _write(self, rgb: NDArray[np.uint8]) -> None:
        import cv2

        width, height = self._size
        if rgb.shape[0] < height or rgb.shape[1] < width:
            rgb = cv2.resize(rgb, self._size).astype(np.uint8, copy=False)
        self._writer.write(np.ascontiguousarray(rgb[:height, :width, ::-1]))
        self._written += 1
