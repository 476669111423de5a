"""Keeping OpenCV's FFmpeg from writing to stderr itself."""

from __future__ import annotations

import os


def silence_ffmpeg() -> None:
    """Let FFmpeg be silent, unless the environment says how much it shall tell.

    It reads this when it is first used in a process. What is wrong with a file is said by us,
    once, with the name of the file.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
