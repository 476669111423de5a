"""A clip out of a still picture: nodding, swaying, coming nearer, in noise.

    python tools/make_clip.py examples/couple.jpg clip.mp4

Whose age does not change while every frame differs, so all movement of the answer is the answer's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from utkage.images.decode import load_image
from utkage.images.video_writer import video_file

RATE = 20.0
SIDE = 480
NOISE = 14.0


def moving(
    still: NDArray[np.uint8], count: int, *, side: int = SIDE, seed: int = 0
) -> Iterator[NDArray[np.uint8]]:
    """Frames of a still picture, uint8 RGB, its long side at ``side`` pixels, ``RATE`` a second."""
    scale = side / max(still.shape[:2])
    small = cv2.resize(still, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    random = np.random.default_rng(seed)
    unit = side / SIDE
    for index in range(count):
        t = index / RATE
        size = 1 + 0.08 * np.sin(1.3 * t)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 5 * np.sin(2 * t), size)
        matrix[:, 2] += (unit * 10 * np.sin(t), unit * 6 * np.cos(1.7 * t))
        moved = cv2.warpAffine(small, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        noisy = moved + random.normal(0, NOISE, moved.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def write_clip(path: Path, still: NDArray[np.uint8], count: int, *, side: int = SIDE) -> None:
    """Write ``count`` frames to an .mp4 file."""
    with video_file(path, RATE) as add:
        for index, frame in enumerate(moving(still, count, side=side)):
            add(frame, index / RATE)


def main() -> int:
    """Make one clip of five seconds."""
    picture, clip = map(Path, sys.argv[1:])
    write_clip(clip, load_image(picture), round(5 * RATE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
