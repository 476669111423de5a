from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from utkage.images.video import open_video, video_file


def grey(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


def levels(path: Path) -> list[int]:
    return [round(float(frame.image.mean()) / 50) * 50 for frame in open_video(path).frames()]


def test_frames_keep_their_times(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    with video_file(path, 10.0) as add:
        # The second frame comes late, the third too soon after it, so that it is replaced.
        for level, seconds in ((50, 0.0), (100, 0.3), (150, 0.4), (200, 0.41), (250, 0.5)):
            add(grey(level), seconds)
    assert levels(path) == [50, 50, 50, 100, 200, 250]


def test_odd_sizes_are_cut_and_changing_sizes_scaled(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with video_file(path, 10.0) as add:
        add(np.full((49, 65, 3), 100, np.uint8), 0.0)
        add(np.full((24, 32, 3), 100, np.uint8), 0.1)
    assert {frame.image.shape for frame in open_video(path).frames()} == {(48, 64, 3)}


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> None:
        with video_file(tmp_path / "clip.mp4", 10.0) as add:
            add(grey(0), 0.0)
            raise RuntimeError("the camera broke")

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []
