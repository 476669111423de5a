"""A camera without a device, for tests of videos."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


class FakeCapture:
    """Stands in for ``cv2.VideoCapture``.

    Args:
        picture: The frame of a number, uint8 RGB.
        count: Frames until the stream dies.
        wait: Seconds between frames.
        rate: Frames a second that it tells.
    """

    def __init__(
        self,
        picture: Callable[[int], NDArray[np.uint8]],
        count: int,
        *,
        wait: float = 0.0,
        rate: float = 30.0,
    ) -> None:
        self.picture, self.count, self.wait, self.rate = picture, count, wait, rate
        self.released = threading.Event()
        self.number = 0

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, Any]:
        time.sleep(self.wait)
        if self.number >= self.count:
            return False, None
        self.number += 1
        return True, self.picture(self.number - 1)[..., ::-1]

    def get(self, prop: int) -> float:
        return self.rate if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        self.released.set()
