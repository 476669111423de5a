"""YuNet through a stand-in for OpenCV's network, whose file is not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.faces.choice import open_detector
from utkage.faces.yunet import YuNetDetector


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


@pytest.mark.parametrize(
    "wrong", [{"score_threshold": 1.5}, {"min_face": -1.0}, {"min_face": float("nan")}]
)
def test_impossible_settings(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        YuNetDetector(tmp_path / "yunet.onnx", **wrong)


def test_the_smallest_face_is_a_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "yunet.onnx").touch()
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: Network())
    picture = np.zeros((300, 640, 3), np.uint8)
    for min_face, sizes in ((5.0, [40.0, 8.0]), (16.0, [40.0]), (41.0, [])):
        detector = YuNetDetector(tmp_path / "yunet.onnx", min_face=min_face)
        assert [face.size for face in detector.detect(picture)] == sizes
