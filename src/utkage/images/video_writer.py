"""Writing videos as MP4 files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.core.files import replacing
from utkage.images.video import silence_ffmpeg

# MPEG-4 part 2: the best codec that OpenCV's packages can write on every system.
_CODEC = "mp4v"
# An empty box at the end of an .mp4 file, which players skip: its length, its kind, some text.
_MARK = b"\0\0\0\x0efreeutkage"

AddFrame = Callable[[NDArray[np.uint8], float], None]


@contextmanager
def video_file(path: Path, rate: float) -> Iterator[AddFrame]:
    """Write an .mp4 file, which appears when the body ends without an error; creates folders.

    Without a frame there is no file. Yields a function that takes a frame, uint8 RGB (height,
    width, 3), and its time in seconds. Frames are repeated or skipped so that the video keeps these
    times at ``rate`` frames per second.

    Raises:
        ImageError: the video cannot be written.
    """
    with ExitStack() as stack:
        writer = _Writer(path, lambda: stack.enter_context(replacing(path)), rate)
        try:
            yield writer.add
        finally:
            writer.close()
        writer.finish()


def is_saved_video(path: Path) -> bool:
    """Whether ``video_file`` wrote a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(_MARK)))
        return file.read() == _MARK


class _Writer:
    """Writes the file that ``make_partial`` makes for the first frame."""

    def __init__(self, path: Path, make_partial: Callable[[], Path], rate: float) -> None:
        self._path, self._make_partial, self._rate = path, make_partial, rate
        self._partial = path
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

    def finish(self) -> None:
        """Mark the file as that of this program, unless there was no frame.

        OpenCV does not tell that a disk is full; the file then has no index and cannot be opened.

        Raises:
            ImageError: the file has fewer frames than were written.
        """
        import cv2

        if self._writer is None:
            return
        capture = cv2.VideoCapture(str(self._partial.absolute()), cv2.CAP_FFMPEG)
        frames = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0
        capture.release()
        if frames < self._written:
            raise ImageError(f"{self._path}: the video is incomplete; check the free disk space")
        with self._partial.open("ab") as file:
            file.write(_MARK)

    def _open(self, rgb: NDArray[np.uint8]) -> None:
        import cv2

        silence_ffmpeg()
        self._partial = self._make_partial()
        height, width = rgb.shape[:2]
        # The codec halves the resolution of colour, so width and height must be even.
        self._size = (max(2, width - width % 2), max(2, height - height % 2))
        code = cv2.VideoWriter.fourcc(*_CODEC)
        self._writer = cv2.VideoWriter(str(self._partial.absolute()), code, self._rate, self._size)
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
