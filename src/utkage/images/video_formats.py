"""Video formats: suffixes and signatures."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from utkage.images.formats import picture_format

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3gpp", ".3g2", ".avi", ".divx", ".mkv", ".webm"),
    *(".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv"),
    *(".f4v", ".ogv", ".mxf", ".ivf", ".y4m"),
)
"""Suffixes, lower case, of video files."""

SIGNATURE_BYTES = 400
"""Number of first bytes from which a video is recognised."""

# Brands of the MP4 family that hold sound, or a raw photograph.
_NO_VIDEO_BRANDS = rb"M4A |M4B |M4P |F4A |F4B |crx |jp2 |jpx "
_SIGNATURES = re.compile(
    b"|".join(
        (
            rb".{4}ftyp(?!" + _NO_VIDEO_BRANDS + rb")",
            # QuickTime files without a brand begin with one of these boxes.
            rb"\0.{3}(moov|mdat|wide|free|skip)",
            rb"\x1a\x45\xdf\xa3",  # Matroska and WebM
            rb"RIFF.{4}AVI ",
            rb"\0\0\x01[\xba\xb3]",  # MPEG program and elementary streams
            rb"\x47.{187}\x47.{187}\x47",  # MPEG transport streams
            rb".{4}\x47.{191}\x47",  # those of camcorders
            rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: Windows Media
            rb"FLV\x01",
            rb"OggS.{22,26}(\x80theora|OVP80|BBCD|fishead)",
            rb"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01",  # MXF
            rb"DKIF\0\0",
            rb"YUV4MPEG2 ",
        )
    ),
    re.DOTALL,
)


def is_video_content(start: bytes) -> bool:
    """Whether the first bytes are those of a video file."""
    start = start[:SIGNATURE_BYTES]
    return picture_format(start) is None and _SIGNATURES.match(start) is not None


def is_video_file(path: Path) -> bool:
    """Whether a path is that of a video: by its content if it is a file, else by its suffix."""
    has_suffix = path.suffix.lower() in VIDEO_SUFFIXES
    try:
        mode = path.stat().st_mode
        # A pipe without a writer could be read for ever.
        if not stat.S_ISREG(mode):
            return has_suffix and not stat.S_ISDIR(mode)
        with path.open("rb") as file:
            start = file.read(SIGNATURE_BYTES)
    except (OSError, ValueError):
        return has_suffix
    return is_video_content(start) or (has_suffix and picture_format(start) is None)
