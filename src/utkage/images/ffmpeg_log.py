"""Silence for FFmpeg inside OpenCV, which writes to stderr itself."""

from __future__ import annotations

import os


def silence_ffmpeg() -> None:
    """Turn off FFmpeg's messages, unless the environment sets their level.

    FFmpeg reads the level when a process first uses it. Errors of a file are raised by utkage,
    once, with the name of the file.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
