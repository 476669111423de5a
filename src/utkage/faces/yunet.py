"""YuNet through OpenCV.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research
20(5), 2023. The package does not contain its file, ``face_detection_yunet_*.onnx``.
"""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import CPU, Device
from utkage.core.errors import ConfigError, UsageError
from utkage.faces.detector import Face, Search

# The network is made for faces of about 10 to 300 pixels.
_LONGEST_SIDE = 1280
_MAX_IOU = 0.3
_MOST = 5000


class YuNetDetector:
    """Finds faces with a YuNet file; threads may share it, each has its own network.

    Landmarks have the order of ``Face``.
    """

    # Its scores do not tell upright faces from rotated ones; the landmarks have to.
    sure_score = 0.0

    def __init__(
        self,
        path: Path,
        *,
        score_threshold: float = 0.8,
        min_face: float = 16.0,
        device: Device = CPU,
    ) -> None:
        """Load the ONNX file.

        Args:
            path: The ONNX file.
            score_threshold: Confidence above which a detection is a face, 0..1.
            min_face: Longer side of the smallest box to report, in pixels of the picture.
            device: Device of the command; OpenCV runs the network on the CPU in any case.

        Raises:
            ConfigError: ``min_face`` or the threshold is outside its range.
            UsageError: no such file, or not a YuNet network.
        """
        if not 0 <= score_threshold <= 1 or not min_face >= 0:
            raise ConfigError(
                f"detector score {score_threshold} or `min_face` {min_face} is out of range"
            )
        if not path.is_file():
            raise UsageError(f"`detector` yunet:{path}: no such file")
        self._path = path
        self._score_threshold = score_threshold
        self._min_face = min_face
        self.on_cpu_because = None if device.is_cpu else "OpenCV runs YuNet on the CPU only"
        self._own = threading.local()
        self._network()

    def for_reduced(self, scale: int) -> YuNetDetector:
        """The same detector for pictures of which one pixel stands for ``scale`` x ``scale``."""
        other = copy.copy(self)
        other._min_face = self._min_face / scale
        return other

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a picture, uint8 RGB (height, width, 3), the largest first."""
        import cv2

        height, width = rgb.shape[:2]
        scale = min(1.0, _LONGEST_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        scaled = rgb if scale == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        network = self._network()
        network.setInputSize(size)
        _, rows = network.detect(np.ascontiguousarray(scaled[..., ::-1]))
        factors = np.array([width / size[0], height / size[1]])
        faces = [_to_face(row, factors, width, height) for row in ([] if rows is None else rows)]
        kept = [face for face in faces if face.area > 0 and face.size >= self._min_face]
        return sorted(kept, key=lambda face: (-face.area, face.box))

    def search(self, rgb: NDArray[np.uint8]) -> Search:
        """Find the faces as ``detect`` does; OpenCV hides the scores below the threshold."""
        return Search(self.detect(rgb), 1.0)

    def glance(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces as ``detect`` does, which is a single pass."""
        return self.detect(rgb)

    def _network(self) -> Any:
        import cv2

        if not hasattr(self._own, "network"):
            try:
                self._own.network = cv2.FaceDetectorYN.create(
                    str(self._path), "", (320, 320), self._score_threshold, _MAX_IOU, _MOST
                )
            except cv2.error as error:
                raise UsageError(
                    f"{self._path}: not a YuNet network that OpenCV can run"
                ) from error
        return self._own.network


def _to_face(
    row: NDArray[np.float32], factors: NDArray[np.float64], width: int, height: int
) -> Face:
    """A face from a row of OpenCV: x, y, width, height, five points (x, y), score."""
    corner, size = row[0:2].astype(np.float64), row[2:4].astype(np.float64)
    points = row[4:14].reshape(5, 2).astype(np.float64) * factors
    low = np.clip(corner * factors, 0, [width, height])
    high = np.clip((corner + size) * factors, 0, [width, height])
    first, second, third, fourth, fifth = ((float(x), float(y)) for x, y in points)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Face(box, float(np.clip(row[14], 0, 1)), (first, second, third, fourth, fifth))
