"""Clips from a still picture that rotates, sways and comes nearer, in noise.

The true age does not change while every frame differs, so all movement of the predicted age is an
error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from utkage.images.video_writer import video_file

# Frames a second.
FRAME_RATE = 20.0
SIZE = 480
NOISE = 14.0


def moving_frames(
    still: NDArray[np.uint8], count: int, *, size: int = SIZE, seed: int = 0
) -> Iterator[NDArray[np.uint8]]:
    """Frames of a moving still, uint8 RGB, with a long side of ``size`` pixels."""
    scale = size / max(still.shape[:2])
    small = cv2.resize(still, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    random = np.random.default_rng(seed)
    unit = size / SIZE
    for index in range(count):
        t = index / FRAME_RATE
        zoom = 1 + 0.08 * np.sin(1.3 * t)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 5 * np.sin(2 * t), zoom)
        matrix[:, 2] += (unit * 10 * np.sin(t), unit * 6 * np.cos(1.7 * t))
        moved = cv2.warpAffine(small, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        noisy = moved + random.normal(0, NOISE, moved.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def write_clip(path: Path, still: NDArray[np.uint8], count: int, *, size: int = SIZE) -> None:
    """Write ``count`` frames to an .mp4 file."""
    with video_file(path, FRAME_RATE) as add:
        for index, frame in enumerate(moving_frames(still, count, size=size)):
            add(frame, index / FRAME_RATE)
