"""Videos whose header says that they are shown mirrored, such as those of some front cameras.

FFmpeg, and OpenCV with it, reads only an angle from the display matrix of a track. It rotates a
picture that is mirrored from left to right by 180 degrees, and leaves one that is mirrored from
top to bottom as it is; a second mirroring makes both right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# The index of a video of hours has some MB.
_MOST_BYTES = 64_000_000
# Place of the matrix in a track header, by the version of the header.
_MATRIX = {0: 40, 1: 52}


@dataclass(frozen=True)
class MirroredCapture:
    """A capture of OpenCV whose frames are mirrored along an axis of the array, 0 or 1."""

    capture: Any
    axis: int

    def isOpened(self) -> bool:  # noqa: N802
        """Whether frames can be read."""
        return bool(self.capture.isOpened())

    def get(self, prop: int) -> float:
        """A property of the capture."""
        return float(self.capture.get(prop))

    def read(self) -> tuple[bool, Any]:
        """Whether there is a next frame, and the frame, uint8 BGR (height, width, 3)."""
        is_there, bgr = self.capture.read()
        return is_there, np.ascontiguousarray(np.flip(bgr, self.axis)) if is_there else bgr

    def release(self) -> None:
        """Close the capture."""
        self.capture.release()


def mirror_axis(path: Path) -> int | None:
    """The axis along which frames that OpenCV reads are still mirrored; None if they are right."""
    try:
        with path.open("rb") as file:
            index = _index(file)
    except OSError:
        return None
    for kind, track in _boxes(index):
        if kind == b"trak":
            matrix = _video_matrix(track)
            if matrix is not None:
                a, b, c, d = matrix
                is_mirrored = a * d - b * c < 0
                return (1 if (a, d) == (0, 0) else 0) if is_mirrored else None
    return None


def _index(file: BinaryIO) -> bytes:
    """The content of the box ``moov`` of an MP4 or MOV file; empty if there is none."""
    at = 0
    while len(header := file.read(16)) >= 8:
        size, first = int.from_bytes(header[:4], "big"), 8
        if size == 1:
            size, first = int.from_bytes(header[8:16], "big"), 16
        if header[4:8] == b"moov":
            file.seek(at + first)
            return file.read(min(size - first, _MOST_BYTES)) if size else file.read(_MOST_BYTES)
        if size < first or not header[4:8].isalnum():
            return b""
        at += size
        file.seek(at)
    return b""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the boxes in a box."""
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if size < 8:
            return
        yield content[at + 4 : at + 8], content[at + 8 : at + size]
        at += size


def _video_matrix(track: bytes) -> tuple[int, int, int, int] | None:
    """The first two columns of the display matrix of a track with pictures; else None."""
    boxes = dict(_boxes(track))
    handler = dict(_boxes(boxes.get(b"mdia", b""))).get(b"hdlr", b"")
    header = boxes.get(b"tkhd", b"")
    start = _MATRIX.get(header[0] if header else 0, 0)
    if handler[8:12] != b"vide" or not start or len(header) < start + 20:
        return None
    places = (start + 4 * number for number in (0, 1, 3, 4))
    a, b, c, d = (int.from_bytes(header[at : at + 4], "big", signed=True) for at in places)
    return a, b, c, d
