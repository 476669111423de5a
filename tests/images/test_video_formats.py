"""Videos are known by their content."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_capture import FakeCapture

from utkage.images.discover import list_inputs
from utkage.images.picture_input import named_input
from utkage.images.save import save_image
from utkage.images.video import is_video, open_video
from utkage.images.video_formats import is_video_content
from utkage.images.video_writer import video_file


@pytest.mark.parametrize("name", ["clip.3gp", "clip.MTS", "clip", "clip.jpg", "clip.backup"])
def test_a_video_under_any_name(clip: Path, name: str) -> None:
    path = clip.rename(clip.with_name(name))
    assert is_video(str(path))
    assert len(list(open_video(path).frames())) == 6


def test_a_picture_under_the_name_of_a_video(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    save_image(path, np.zeros((20, 20, 3), np.uint8))
    path = path.rename(tmp_path / "picture.mp4")
    assert not is_video(str(path))
    assert named_input(str(path)).load().shape == (20, 20, 3)


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\0\x1cftyp3gp4",
        b"\0\0\0\x14ftypqt  ",
        b"\0\0\x10\0moov",
        b"\x1a\x45\xdf\xa3",
        b"RIFF\0\0\0\0AVI LIST",
        b"\0\0\x01\xba",
        b"FLV\x01",
        (b"\x47" + bytes(187)) * 3,
        bytes(4) + (b"\x47" + bytes(191)) * 2,
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    ],
)
def test_signatures_of_videos(start: bytes) -> None:
    assert is_video_content(start + bytes(20))


@pytest.mark.parametrize(
    "start",
    [b"\0\0\0\x18ftypM4A ", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavis", b"RIFF\0\0\0\0WAVE", b""],
)
def test_signatures_of_other_files(start: bytes) -> None:
    assert not is_video_content(start + bytes(20))


def test_a_video_in_a_folder_is_counted_as_one(clip: Path) -> None:
    shutil.copy(clip, clip.with_name("phone.unknown"))
    save_image(clip.with_name("a.png"), np.zeros((20, 20, 3), np.uint8))
    found = list_inputs([clip.parent])
    assert [file.path.name for file in found.files] == ["a.png"]
    assert found.note is not None
    assert "2 videos" in found.note


def test_the_display_matrix_is_respected(clip: Path) -> None:
    """A quarter turn in the header of the track, as phones write it."""
    upright = (0x10000).to_bytes(4, "big") + bytes(12) + (0x10000).to_bytes(4, "big")
    turned = (
        bytes(4)
        + (0x10000).to_bytes(4, "big")
        + bytes(4)
        + (-0x10000).to_bytes(4, "big", signed=True)
    )
    with video_file(clip, 10.0) as add:
        wide = np.zeros((64, 128, 3), np.uint8)
        wide[:, :64] = 250
        add(wide, 0.0)
    content = clip.read_bytes()
    at = content.index(upright, content.index(b"tkhd"))
    clip.write_bytes(content[:at] + turned + bytes(4) + content[at + 20 :])
    (frame,) = open_video(clip).frames()
    assert frame.image.shape == (128, 64, 3)
    # A clockwise quarter turn brings the left half to the top.
    assert frame.image[:50].mean() > 200
    assert frame.image[80:].mean() < 50


@pytest.mark.parametrize("offset", [0.0, 2000.0])
def test_variable_frame_rates_keep_their_times(offset: float) -> None:
    clocks = [0, 20, 20, 40, 1000, 1020, 5000]

    class Varying(FakeCapture):
        def get(self, prop: int) -> float:
            import cv2

            if prop == cv2.CAP_PROP_POS_MSEC:
                return offset + clocks[self.number - 1]
            return super().get(prop)

    capture = Varying(lambda _: np.zeros((8, 8, 3), np.uint8), len(clocks), rate=10.0)
    video = open_video("http://host/a.mp4", lambda _: capture)
    seconds = [frame.seconds for frame in video.frames()]
    np.testing.assert_allclose(seconds, np.array(clocks) / 1000, atol=1e-9)
