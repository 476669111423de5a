"""An annotated video that cannot be written is given up, and nothing else ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import ImageError
from utkage.images.video import open_video
from utkage.prediction.annotated_video import AnnotatedVideo

FRAME = np.full((48, 64, 3), 90, np.uint8)


def test_frames_become_a_video(tmp_path: Path) -> None:
    errors: list[ImageError] = []
    path = tmp_path / "x.mp4"
    with AnnotatedVideo(path, 10.0, errors.append) as video:
        for index in range(3):
            video.add(FRAME, index / 10)
    assert len(list(open_video(path).frames())) == 3
    assert errors == []


def test_a_video_without_frames_is_no_file(tmp_path: Path) -> None:
    errors: list[ImageError] = []
    path = tmp_path / "x.mp4"
    path.write_bytes(b"an earlier copy")
    with AnnotatedVideo(path, 10.0, errors.append):
        pass
    assert path.read_bytes() == b"an earlier copy"
    assert errors == []


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    errors: list[ImageError] = []
    with AnnotatedVideo(tmp_path / "out" / "x.mp4", 10.0, errors.append) as video:
        video.add(FRAME, 0.0)
    assert len(errors) == 1


def test_a_codec_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utkage.images.video_writer._CODEC", "zzzz")
    errors: list[ImageError] = []
    with AnnotatedVideo(tmp_path / "x.mp4", 10.0, errors.append) as video:
        video.add(FRAME, 0.0)
        video.add(FRAME, 0.1)
    (error,) = errors
    assert "cannot be written" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_no_file(tmp_path: Path) -> None:
    errors: list[ImageError] = []

    def interrupted() -> None:
        with AnnotatedVideo(tmp_path / "x.mp4", 10.0, errors.append) as video:
            video.add(FRAME, 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    assert errors == []
