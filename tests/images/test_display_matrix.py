"""Frames are rotated and mirrored as the header of a video says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from utkage.images.display_matrix import mirror_axis
from utkage.images.video import open_video
from utkage.images.video_writer import video_file

ONE = 0x10000


def matrix(*values: int) -> bytes:
    a, b, c, d = ((value * ONE).to_bytes(4, "big", signed=True) for value in values)
    return a + b + bytes(4) + c + d


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    # Bright at the upper left, and half as bright at the upper right.
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:32, :64], picture[:32, 64:] = 250, 120
    with video_file(path, 10.0) as add:
        add(picture, 0.0)
    return path


def quarters(image: np.ndarray) -> list[int]:
    """Brightness at the upper left, upper right, lower left and lower right, in steps of 125."""
    height, width = image.shape[:2]
    places = [(y * height // 4, x * width // 4) for y in (1, 3) for x in (1, 3)]
    return [round(float(image[y - 2 : y + 2, x - 2 : x + 2].mean()) / 125) for y, x in places]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 0, 0, 1), [2, 1, 0, 0]),
        ((-1, 0, 0, 1), [1, 2, 0, 0]),
        ((1, 0, 0, -1), [0, 0, 2, 1]),
        ((-1, 0, 0, -1), [0, 0, 1, 2]),
        ((0, 1, -1, 0), [0, 2, 0, 1]),
        ((0, -1, 1, 0), [1, 0, 2, 0]),
        ((0, 1, 1, 0), [2, 0, 1, 0]),
        ((0, -1, -1, 0), [0, 1, 0, 2]),
    ],
)
def test_every_display_matrix(clip: Path, values: tuple[int, ...], expected: list[int]) -> None:
    content = clip.read_bytes()
    at = content.index(matrix(1, 0, 0, 1), content.index(b"tkhd"))
    clip.write_bytes(content[:at] + matrix(*values) + content[at + 20 :])
    (frame,) = open_video(clip).frames()
    assert quarters(frame.image) == expected


def test_files_without_a_matrix(tmp_path: Path, clip: Path) -> None:
    for content in (b"", b"RIFF" + bytes(40), b"\x1a\x45\xdf\xa3" + bytes(40), bytes(64)):
        (tmp_path / "a.avi").write_bytes(content)
        assert mirror_axis(tmp_path / "a.avi") is None
    assert mirror_axis(tmp_path / "gone.mp4") is None
    content = clip.read_bytes()
    for length in range(0, len(content), 97):
        clip.write_bytes(content[:length])
        assert mirror_axis(clip) is None
