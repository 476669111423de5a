"""What prevents the reading of a video is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from utkage.core.errors import ImageError
from utkage.images.video import open_video
from utkage.images.video_problems import reading_problem


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"av01", r"AV1 \(av01\) is a codec that this OpenCV cannot decode"),
        (b"encv", "encrypted"),
    ],
)
def test_a_codec_that_cannot_be_decoded_is_named(clip: Path, code: bytes, reason: str) -> None:
    clip.write_bytes(clip.read_bytes().replace(b"mp4v", code))
    with pytest.raises(ImageError, match=reason):
        raise ImageError(reading_problem(clip))


def test_other_reasons(clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: whole.index(b"moov") - 4])
    with pytest.raises(ImageError, match="its index is missing"):
        open_video(cut)
    sound = tmp_path / "sound.mp4"
    sound.write_bytes(whole.replace(b"vide", b"soun"))
    assert "only sound" in reading_problem(sound)
    assert "damaged or truncated" in reading_problem(clip, "avc1")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")
        with pytest.raises(ImageError, match="not a plain file"):
            open_video(tmp_path / "pipe.mp4")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no video at all", "check that it is a video"),
        (b"\x1a\x45\xdf\xa3" + bytes(8) + b"V_AV1", "AV1"),
        (b"\0\0\0\x1cftypisom" + bytes(20), "its index is missing"),
    ],
)
def test_reasons_from_the_first_bytes(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    assert reason in reading_problem(path)


def test_a_file_that_is_gone_and_a_codec_that_only_opencv_names(tmp_path: Path, clip: Path) -> None:
    assert "cannot be read" in reading_problem(tmp_path / "gone.mp4")
    assert reading_problem(clip, "BRAW").startswith("Blackmagic RAW (braw) is a codec")
