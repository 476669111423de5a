from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from fake_capture import FakeCapture
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, UsageError
from utkage.images import video
from utkage.images.decode import load_image
from utkage.images.video import open_video
from utkage.images.video_writer import video_file
from utkage.prediction.predict_videos import (
    ShownFrame,
    VideoRequest,
    predict_videos,
    video_sources,
)


def camera_of(rgb: NDArray[np.uint8], count: int, wait: float) -> FakeCapture:
    """Sees one picture again and again, from a slightly other place each time."""
    return FakeCapture(
        lambda number: np.roll(rgb, (number + 1) % 5, axis=1), count, wait=wait, rate=1 / wait
    )


@pytest.fixture(scope="module")
def portrait(examples: Path) -> NDArray[np.uint8]:
    rgb = load_image(examples / "portrait.jpg")
    return cv2.resize(rgb, (240, 288), interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.fixture
def clip(tmp_path: Path, portrait: NDArray[np.uint8]) -> Path:
    path = tmp_path / "clip.mp4"
    with video_file(path, 10.0) as add:
        for index in range(12):
            add(np.roll(portrait, index, axis=1), index / 10)
    return path


def request_for(*videos: str | int, **settings: Any) -> VideoRequest:
    return VideoRequest(videos=videos, weights="shipped", flip=False, **settings)


def test_a_camera_until_it_dies(portrait: NDArray[np.uint8]) -> None:
    # Twice as fast as anybody can look at it with a detector at every frame.
    camera = camera_of(portrait, 120, 0.01)
    shown: list[ShownFrame] = []

    def watch(frame: ShownFrame) -> bool:
        shown.append(frame)
        return True

    request = request_for(0, every=1)
    (row,) = predict_videos(request, on_frame=watch, open_capture=lambda _: camera)
    assert (row.file, row.status, row.track, row.gender) == ("camera0", "ok", 1, "female")
    assert row.frames == len(shown)
    assert len(shown) < 120
    # Frames were dropped and counted, and the last ones seen are near the end: no growing delay.
    assert shown[-1].dropped == shown[-1].tracked.frame.index + 1 - len(shown)
    assert shown[-1].dropped > 0
    assert shown[-1].tracked.frame.index >= 100
    assert shown[-1].label.startswith("#1: ")
    assert "female" in shown[-1].label
    assert shown[-1].picture.shape == portrait.shape
    assert not np.array_equal(shown[-1].picture, shown[-1].tracked.frame.image)
    assert camera.released.wait(2)


def test_a_watcher_ends_it(portrait: NDArray[np.uint8]) -> None:
    camera = camera_of(portrait, 100_000, 0.005)
    seen = []

    def watch(frame: ShownFrame) -> bool:
        seen.append(frame.tracked.frame.index)
        return len(seen) < 9

    (row,) = predict_videos(request_for(0), on_frame=watch, open_capture=lambda _: camera)
    assert row.frames == 9
    assert camera.released.wait(2)


def test_some_seconds_of_a_camera(
    portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first prediction of a process loads libraries, which takes most of half a second.
    list(predict_videos(request_for(0), open_capture=lambda _: camera_of(portrait, 5, 0.01)))
    camera = camera_of(portrait, 100_000, 0.01)
    # Time passes with the frames, so that it does not depend on the speed of the machine.
    monkeypatch.setattr(video, "time", SimpleNamespace(monotonic=lambda: camera.number / 100))
    request = request_for(3, duration=0.5)
    (row,) = predict_videos(request, open_capture=lambda _: camera)
    assert row.file == "camera3"
    assert row.end is not None
    assert 0.1 < row.end < 0.5
    assert camera.released.wait(2)


@pytest.mark.parametrize("live", [True, False])
def test_ctrl_c_finishes_what_was_seen(
    portrait: NDArray[np.uint8], clip: Path, tmp_path: Path, live: bool
) -> None:
    seen = []

    def watch(frame: ShownFrame) -> bool:
        seen.append(frame)
        if len(seen) == 6:
            signal.raise_signal(signal.SIGINT)
        return True

    source = 0 if live else str(clip)
    request = request_for(source, save_images=tmp_path / "out", every=2)
    capture = (lambda _: camera_of(portrait, 10_000, 0.01)) if live else None
    rows = predict_videos(request, on_frame=watch, open_capture=capture)
    row = next(rows)
    assert (row.status, row.track) == ("ok", 1)
    assert row.frames is not None
    assert row.frames <= 12
    if live:
        # The usual way to end a camera.
        assert list(rows) == []
    else:
        with pytest.raises(KeyboardInterrupt):
            next(rows)
    (written,) = (tmp_path / "out").iterdir()
    assert len(list(open_video(written).frames())) >= 6


def test_rows_and_copies_of_a_file(clip: Path, tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    out = tmp_path / "out"
    request = request_for(
        str(tmp_path / "*.mp4"),
        save_images=out,
        save_crops=out,
        contact_sheet=out / "sheet.png",
        threshold=18,
    )
    (row,) = predict_videos(request)
    assert row.file == str(clip)
    assert (row.first_frame, row.last_frame, row.frames, row.looks) == (0, 11, 12, 3)
    assert row.p_at_least is not None
    assert row.age is not None
    assert row.age_low is not None
    assert row.age_high is not None
    assert row.age_low < row.age < row.age_high
    names = {path.name for path in out.iterdir()}
    kept = f"{tmp_path.name}_clip"
    assert names == {f"{kept}.annotated.mp4", f"{kept}.track1.png", "sheet.png"}
    frames = [
        frame.image.astype(int) for frame in open_video(out / f"{kept}.annotated.mp4").frames()
    ]
    assert len(frames) == 12
    plain = [frame.image.astype(int) for frame in open_video(clip).frames()]
    assert all(np.abs(one - other).max() > 60 for one, other in zip(frames, plain, strict=True))


def test_videos_without_faces_and_without_frames(tmp_path: Path) -> None:
    empty, damaged = tmp_path / "empty.mp4", tmp_path / "damaged.mp4"
    with video_file(empty, 10.0) as add:
        for index in range(4):
            add(np.full((64, 64, 3), 90, np.uint8), index / 10)
    damaged.write_bytes(empty.read_bytes()[:200])
    rows = list(predict_videos(request_for(str(damaged), str(empty))))
    assert [(row.status, row.track) for row in rows] == [("failed", None), ("no_face", None)]
    assert rows[0].reason is not None
    assert "damaged.mp4: is truncated: its index is missing" in rows[0].reason
    assert rows[1].frames == 4


def test_what_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video given"):
        video_sources(())
    with pytest.raises(UsageError, match=r"a\.jpg: not a video"):
        video_sources(("b.mp4", "a.jpg"))
    for address in ("rtsp://host/live", "https://host/a.mp4"):
        with pytest.raises(UsageError, match="needs `allow_download=True`"):
            video_sources((address,))
        assert video_sources((address,), allow_download=True) == [address]
    with pytest.raises(UsageError, match="matches no file"):
        video_sources((str(tmp_path / "*.mp4"),))
    for wrong in ({"every": 0}, {"duration": 0.0}, {"crop": "none"}):
        with pytest.raises(ConfigError):
            request_for(0, **wrong)
