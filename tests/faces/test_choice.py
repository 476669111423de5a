"""Detectors by name; YuNet through a stand-in for OpenCV's network, whose file is not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.faces.choice import check_detector, open_detector


class Network:
    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802
        self.size = size

    def detect(self, bgr: Any) -> tuple[int, Any]:
        assert bgr.shape[:2] == self.size[::-1]
        x, y, side = 100.0, 50.0, 40.0
        points = [110, 65, 130, 65, 120, 75, 112, 82, 128, 82]
        small = [0, 0, 8, 8, *points, 0.9]
        return 1, np.array([small, [x, y, side, side, *points, 0.97]], np.float32)


def test_yunet_in_pixels_of_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yunet.onnx").touch()
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: Network())
    detector = open_detector(f"yunet:{tmp_path / 'yunet.onnx'}")
    (face,) = detector.detect(np.zeros((300, 640, 3), np.uint8))
    assert face.box == (100, 50, 140, 90)
    assert face.score == pytest.approx(0.97)
    (far,) = detector.detect(np.zeros((1200, 2560, 3), np.uint8))[:1]
    assert far.box == (200, 100, 280, 180)
    assert far.landmarks[0] == (220, 130)


def test_other_files_are_no_yunet(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="not a YuNet network"):
        open_detector(f"yunet:{tmp_path / 'other.onnx'}")
    with pytest.raises(UsageError, match="no such file"):
        open_detector("yunet:missing.onnx")


@pytest.mark.parametrize("name", ["mtcnn", "yunet", "yunet:", ""])
def test_unknown_detectors(name: str) -> None:
    with pytest.raises(ConfigError, match="choose retinaface or yunet:FILE"):
        check_detector(name)


def test_small_faces_on_request() -> None:
    """A face of 24 pixels in a large picture, beside a large one: found if one asks for it."""
    import skimage.data

    astronaut = skimage.data.astronaut()
    picture = np.full((2400, 3600, 3), 127, np.uint8)
    picture[:2048, :2048] = cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(astronaut, (110, 110), interpolation=cv2.INTER_AREA)
    picture[2000:2110, 3000:3110] = small
    assert len(open_detector("retinaface").detect(picture)) == 1
    large, tiny = open_detector("retinaface", min_face=20).detect(picture)
    assert large.size > 10 * tiny.size
    assert 20 <= tiny.size < 40
    assert 3000 < tiny.box[0] < 3110
