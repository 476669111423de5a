"""Videos, cameras and streams as frames with times."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.images.addresses import is_data_uri
from utkage.images.display_matrix import MirroredCapture, mirror_axis
from utkage.images.download import is_url
from utkage.images.folders import as_on_disk
from utkage.images.video_formats import VIDEO_SUFFIXES, is_video_file
from utkage.images.video_problems import reading_problem

# Frame rate of a video without a usable rate of its own.
_USUAL_RATE = 25.0
# A larger value in a container is the unit of its clock, not a frame rate.
_FASTEST_RATE = 480.0
# More frames in a row that cannot be decoded are the end of a file.
_DAMAGED_FRAMES = 50
# Seconds without a frame after which a live stream has ended.
SILENCE_SECONDS = 10.0
# OpenCV reads it whenever it opens a video: name;value|name;value.
_FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# Whatever addresses are in a file, FFmpeg opens files only.
_ONLY_FILES = "protocol_whitelist;file"
# Neither a redirect nor a playlist in place of a video may lead FFmpeg to another address.
_ONE_ADDRESS = (
    "protocol_whitelist;http,https,tls,tcp,httpproxy|max_redirects;0|format_whitelist;mov,matroska,"
    "avi,mpeg,mpegvideo,mpegts,asf,flv,ogg,mxf,ivf,yuv4mpegpipe"
)
_LIVE = ("rtsp://", "rtsps://", "rtmp://", "rtmps://", "udp://", "rtp://", "srt://")


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        index: Number in the stream, from 0; dropped frames of a live stream count.
        seconds: Time since the first frame.
        image: uint8 RGB, (height, width, 3).
    """

    index: int
    seconds: float
    image: NDArray[np.uint8]


class Capture(Protocol):
    """The used part of ``cv2.VideoCapture``; tests replace it."""

    def isOpened(self) -> bool:  # noqa: N802
        """Whether the source is open."""

    def read(self) -> tuple[bool, Any]:
        """Whether there is a next frame, and that frame, uint8 BGR (height, width, 3)."""

    def get(self, prop: int) -> float:
        """The value of a property, 0 if unknown."""

    def release(self) -> None:
        """Close the file or device."""


def is_video(name: str) -> bool:
    """Whether a name is that of a video file, or the address of a video or stream.

    A file is recognised by its content; a missing file or an address by its suffix.
    """
    if is_stream(name):
        return True
    if is_url(name):
        return name.partition("?")[0].lower().endswith(VIDEO_SUFFIXES)
    return not is_data_uri(name) and is_video_file(as_on_disk(Path(name)))


def is_stream(name: str) -> bool:
    """Whether a name is an address of a live stream, such as ``rtsp://...``."""
    return name.lower().startswith(_LIVE)


def video_name(source: str | Path | int) -> str:
    """The name of a video in rows: its path or address as given, or ``camera0``."""
    return f"camera{source}" if isinstance(source, int) else os.fspath(source)


def needs_download(name: str) -> bool:
    """Whether reading a video of this name would use the network."""
    return is_stream(name) or is_url(name)


@dataclass(frozen=True)
class Video:
    """An opened video.

    Attributes:
        name: Name in rows.
        rate: Frames per second.
        total: Number of frames by the header of the file; None if unknown.
        live: Whether the source is a camera or stream, whose frames do not wait for a reader.
        capture: Reader of the frames.
        duration: Seconds of a file by its header; None if unknown.
        code: Four-character code of the codec, such as ``"avc1"``; empty if unknown.
    """

    name: str
    rate: float
    total: int | None
    live: bool
    capture: Capture
    duration: float | None = None
    code: str = ""

    @property
    def problem(self) -> str:
        """Why no frame can be read, if none can."""
        is_file = not self.live and not is_url(self.name)
        advice = reading_problem(Path(self.name), self.code) if is_file else "check the source"
        return advice if is_file else f"no frame can be read; {advice}"

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames once; the file or device is closed at their end, or with the generator.

        A live stream yields its newest frame each time and drops those in between, so that frames
        never lag behind. It ends with the stream, or after ``SILENCE_SECONDS`` without a frame.
        """
        if self.live:
            return _live_frames(self.capture)
        # At an address, each attempt to read may wait for the server.
        return _file_frames(self.capture, self.rate, 0 if is_url(self.name) else self.total or 0)


def open_video(
    source: str | Path | int, open_capture: Callable[[Any], Capture] | None = None
) -> Video:
    """Open a video file, the address of one, a live stream, or a camera.

    ``open_capture`` replaces ``cv2.VideoCapture``.

    Raises:
        ImageError: the source cannot be opened as a video.
    """
    import cv2

    name = video_name(source)
    path = None if isinstance(source, int) or needs_download(name) else Path(name)
    if path is not None and not path.is_file():
        problem = "is not a plain file; copy the video into one"
        raise ImageError(f"{name}: {problem if path.exists() else 'no such file; check the path'}")
    capture: Capture = (open_capture or _quiet_capture)(source if isinstance(source, int) else name)
    if not capture.isOpened():
        capture.release()
        advice = "cannot be opened; check that it is connected and not in use"
        if path is not None:
            advice = reading_problem(path)
        elif is_stream(name):
            advice = "cannot be opened; check the address, and that the stream is on"
        elif not isinstance(source, int):
            advice = "cannot be opened; check that it is a video and not a redirect to one"
        raise ImageError(f"{name}: {advice}")
    axis = None if path is None else mirror_axis(path)
    if axis is not None:
        capture = MirroredCapture(capture, axis)
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    live = isinstance(source, int) or is_stream(name)
    has_count = count > 0 and not live
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(8, "little", signed=True)[:4]
    return Video(
        name,
        rate if 0 < rate <= _FASTEST_RATE else _USUAL_RATE,
        count if has_count else None,
        live,
        capture,
        count / rate if has_count and rate > 0 else None,
        code.decode("latin-1").strip("\0"),
    )


def _quiet_capture(source: Any) -> Capture:
    import cv2

    # open_video raises one error; without this, each backend that OpenCV tries would print its own.
    silence_ffmpeg()
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        if isinstance(source, int) or is_stream(source):
            capture: Capture = cv2.VideoCapture(source)
        elif is_url(source):
            with _ffmpeg_options(_ONE_ADDRESS):
                capture = cv2.VideoCapture(source)
        else:
            # FFmpeg takes a relative path such as "http:host.mp4" for an address.
            with _ffmpeg_options(_ONLY_FILES):
                capture = cv2.VideoCapture(str(Path(source).absolute()))
    finally:
        cv2.utils.logging.setLogLevel(level)
    return capture


@contextmanager
def _ffmpeg_options(options: str) -> Iterator[None]:
    """Add options to those that the environment has for FFmpeg."""
    former = os.environ.get(_FFMPEG_OPTIONS)
    os.environ[_FFMPEG_OPTIONS] = options if former is None else f"{former}|{options}"
    try:
        yield
    finally:
        if former is None:
            del os.environ[_FFMPEG_OPTIONS]
        else:
            os.environ[_FFMPEG_OPTIONS] = former


def silence_ffmpeg() -> None:
    """Turn off FFmpeg's own messages on stderr, unless the environment sets their level.

    FFmpeg reads the level when a process first uses it.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def _file_frames(capture: Capture, rate: float, total: int) -> Generator[Frame, None, None]:
    """The frames of a file.

    Up to ``_DAMAGED_FRAMES`` in a row that cannot be decoded are skipped, among the first
    ``total``.
    """
    import cv2

    index, seconds, start, damaged, is_first = 0, 0.0, 0.0, 0, True
    try:
        while True:
            is_there, bgr = capture.read()
            if not is_there:
                index, damaged = index + 1, damaged + 1
                if index >= total or damaged > _DAMAGED_FRAMES:
                    return
                continue
            # The frame rate may vary, so use the timestamps of the file; some files have none.
            clock = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if is_first:
                start = clock
            elif clock > start:
                # One wrong timestamp must not shift those that follow.
                seconds = max(seconds, clock - start)
            else:
                seconds += (1 + damaged) / rate
            yield Frame(index, seconds, _rgb(bgr))
            index, damaged, is_first = index + 1, 0, False
    finally:
        capture.release()


def _live_frames(capture: Capture) -> Generator[Frame, None, None]:
    with closing(_Newest(capture)) as newest:
        yield from iter(newest.take, None)


class _Newest:
    """Reads a live stream on a thread of its own and keeps only the newest frame."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def take(self) -> Frame | None:
        """Wait for the next frame; None at the end of the stream."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, SILENCE_SECONDS)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Stop reading; a read that hangs is abandoned."""
        with self._changed:
            self._ended = True
        self._thread.join(timeout=1.0)

    def _read(self) -> None:
        index, started = 0, None
        while True:
            is_there, bgr = self._capture.read()
            now = time.monotonic()
            started = now if started is None else started
            with self._changed:
                if not is_there or self._ended:
                    self._ended = True
                    self._changed.notify()
                    break
                self._frame = Frame(index, now - started, _rgb(bgr))
                self._changed.notify()
            index += 1
        self._capture.release()


def _rgb(bgr: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)
