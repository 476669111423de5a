from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fake_capture import FakeCapture

from utkage.core.errors import ImageError
from utkage.images import video as module
from utkage.images.video import Video, is_stream, is_video, needs_download, open_video, video_name
from utkage.images.video_writer import video_file


def numbered(count: int, **options: float) -> FakeCapture:
    """Frames whose brightness is their number."""
    return FakeCapture(
        lambda number: np.full((20, 30, 3), number % 256, np.uint8), count, **options
    )


def moving_square(index: int, side: int = 64) -> np.ndarray:
    image = np.zeros((side, side + 16, 3), np.uint8)
    image[10:30, index : index + 20] = (250, 30, 60)
    return image


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with video_file(path, 20.0) as add:
        for index in range(30):
            add(moving_square(index), index / 20)
    return path


def test_a_file_gives_every_frame_in_order_with_its_time(clip: Path) -> None:
    video = open_video(clip)
    assert (video.rate, video.total, video.live) == (20.0, 30, False)
    frames = list(video.frames())
    assert [frame.index for frame in frames] == list(range(30))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(30) / 20, atol=2e-3)
    for frame in frames[::7]:
        red = frame.image[20].astype(int)
        # RGB, not BGR: the square is red.
        inside = red[:, 0] > 125
        assert abs(int(inside.argmax()) - frame.index) <= 2
        assert red[inside, 2].mean() < 125


def test_frames_are_let_go_of_early(clip: Path) -> None:
    capture = numbered(5)
    frames = Video("x", 25.0, None, False, capture).frames()
    next(frames)
    frames.close()
    assert capture.released.is_set()


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video(tmp_path: Path, content: bytes, capfd: Any) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"bad\.mp4: cannot be opened; check that it is a video"):
        open_video(path)
    with pytest.raises(ImageError, match=r"gone\.mp4: no such file"):
        open_video(tmp_path / "gone.mp4")
    assert capfd.readouterr().err == ""


def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(ImageError, match="camera97: cannot be opened; check that it is connected"):
        open_video(97)


@pytest.mark.parametrize(("given", "rate"), [(0.0, 25.0), (90_000.0, 25.0), (29.97, 29.97)])
def test_a_rate_that_is_none(given: float, rate: float) -> None:
    assert open_video(0, lambda _: numbered(1, rate=given)).rate == rate


def test_names() -> None:
    for name in ("a.mp4", "B.MOV", "rtsp://host/live", "https://host/a.webm?x=1"):
        assert is_video(name)
    for name in ("a.jpg", "folder", "-", "https://host/a.jpg", "mp4"):
        assert not is_video(name)
    assert is_stream("RTSP://host")
    assert not is_stream("https://host/a.mp4")
    assert needs_download("https://host/a.mp4")
    assert not needs_download("a.mp4")
    assert video_name(2) == "camera2"
    assert video_name(Path("a") / "b.mp4") == str(Path("a") / "b.mp4")


def test_a_live_stream_drops_frames_instead_of_falling_behind() -> None:
    capture = numbered(60, wait=0.01)
    video = open_video(0, lambda _: capture)
    assert video.live
    assert video.total is None
    taken, delays = [], []
    for frame in video.frames():
        # What is given was the newest when it was asked for.
        delays.append(capture.number - 1 - frame.index)
        taken.append(frame.index)
        time.sleep(0.05)
    assert taken == sorted(set(taken))
    assert 5 <= len(taken) < 40
    assert max(delays) <= 1
    assert capture.released.wait(2)


class Damaged(FakeCapture):
    """A capture of frames some of which cannot be decoded."""

    def __init__(self, count: int, damaged: range) -> None:
        super().__init__(numbered(count).picture, count)
        self._damaged = damaged

    def read(self) -> tuple[bool, Any]:
        is_there, frame = super().read()
        return (False, None) if self.number - 1 in self._damaged else (is_there, frame)

    def get(self, prop: int) -> float:
        return self.count if prop == cv2.CAP_PROP_FRAME_COUNT else super().get(prop)


@pytest.mark.parametrize(
    ("damaged", "read"),
    [
        (range(7, 9), [*range(7), *range(9, 200)]),
        (range(3), range(3, 200)),
        # So many are the end of a file.
        (range(40, 100), range(40)),
        (range(150, 200), range(150)),
    ],
)
def test_frames_after_damaged_ones_are_read(
    damaged: range, read: Sequence[int], clip: Path
) -> None:
    frames = list(open_video(clip, lambda _: Damaged(200, damaged)).frames())
    assert [frame.index for frame in frames] == list(read)
    assert [int(frame.image.mean()) for frame in frames] == list(read)
    seconds = [frame.seconds for frame in frames]
    assert seconds == sorted(seconds)


def test_a_stream_that_falls_silent_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.1)
    hanging = threading.Event()

    class Silent(FakeCapture):
        def read(self) -> tuple[bool, Any]:
            if self.number == 3:
                hanging.wait(5)
                return False, None
            return super().read()

    started = time.monotonic()
    assert (
        len(list(open_video(0, lambda _: Silent(numbered(9).picture, 9, wait=0.01)).frames())) >= 1
    )
    assert time.monotonic() - started < 3
    hanging.set()


def test_a_live_stream_that_is_left_is_released() -> None:
    capture = numbered(10_000, wait=0.001)
    frames = open_video(0, lambda _: capture).frames()
    next(frames)
    frames.close()
    assert capture.released.wait(2)


def test_a_written_video_keeps_time(tmp_path: Path) -> None:
    path = tmp_path / "slow.mp4"
    with video_file(path, 10.0) as add:
        # At 0 s, then nothing for half a second, then two within one frame.
        for seconds, value in ((0.0, 0), (0.5, 120), (0.52, 180), (0.6, 250)):
            add(np.full((33, 41, 3), value, np.uint8), seconds)
    frames = list(open_video(path).frames())
    shown = [int(frame.image.mean()) for frame in frames]
    np.testing.assert_allclose(shown, [0] * 5 + [180, 250], atol=6)
    assert frames[0].image.shape == (32, 40, 3)


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "half.mp4"

    def fail() -> None:
        with video_file(path, 10.0) as add:
            add(np.zeros((32, 32, 3), np.uint8), 0.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(path.parent.iterdir()) == []


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


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="limits of file sizes")
def test_a_video_on_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """OpenCV tells nothing when it cannot write; the index of the file is missing then."""
    import resource

    path = tmp_path / "copy.mp4"
    random = np.random.default_rng(0)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write() -> None:
        with video_file(path, 10.0) as add:
            for number in range(30):
                add(random.integers(0, 256, (120, 160, 3), dtype=np.uint8), number / 10)

    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, former[1]))
        with pytest.raises(ImageError, match=r"copy\.mp4: .* check the free disk space"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert list(tmp_path.iterdir()) == []
