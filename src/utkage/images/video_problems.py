"""Why a video file cannot be read: its codec, its container, or the file itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from utkage.images.video_formats import SIGNATURE_BYTES, is_video_content

# Codes of codecs that some packages of OpenCV cannot decode, and their names.
_RARE_CODECS = {
    "av01": "AV1",
    "vvc1": "H.266",
    "vvi1": "H.266",
    "evc1": "EVC",
    "lvc1": "LCEVC",
    "apv1": "APV",
    "braw": "Blackmagic RAW",
    "r3d ": "REDCODE",
    "ncdi": "Canon Cinema RAW",
    "aprn": "ProRes RAW",
    "aprh": "ProRes RAW",
    "avs3": "AVS3",
}
_ENCRYPTED = ("encv", "drmi")
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_MATROSKA_CODECS = {b"V_AV1": "av01", b"V_MPEGI/ISO/VVC": "vvc1"}
_CONVERT = "convert it, for example with ffmpeg -i IN -c:v libx264 OUT.mp4"


def reading_problem(path: Path, code: str = "") -> str:
    """Why no frame of a video file can be read, and what helps.

    ``code`` is the four-character code that OpenCV reports for the codec, if it is known.
    """
    try:
        with path.open("rb") as file:
            start = file.read(SIGNATURE_BYTES)
            has_boxes = start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
            boxes = dict(_video_boxes(file)) if has_boxes else None
            file.seek(0)
            head = file.read(1_000_000) if start.startswith(b"\x1a\x45\xdf\xa3") else b""
    except OSError as error:
        return f"cannot be read ({error.strerror}); check the file"
    if not start:
        return "cannot be opened; check that it is a video: the file is empty"
    if not is_video_content(start):
        return "cannot be opened; check that it is a video"
    codes = [found for mark, found in _MATROSKA_CODECS.items() if mark in head]
    if boxes is not None:
        if "moov" not in boxes:
            return "is truncated: its index is missing; copy it again, or repair the recording"
        codes += [found for found in boxes if found not in ("moov", "vide")]
        if not codes and "vide" not in boxes:
            return "has no pictures, only sound or other data"
    if any(found in _ENCRYPTED for found in codes):
        return "is encrypted; use a copy without protection"
    for found in (code.lower(), *codes):
        if found in _RARE_CODECS:
            name = _RARE_CODECS[found]
            return f"{name} ({found}) is a codec that this OpenCV cannot decode; {_CONVERT}"
    if not code and codes:
        return f"{codes[0]} is a codec that this OpenCV cannot decode; {_CONVERT}"
    return "no frame can be decoded; the file is damaged or truncated, so copy it again"


def _video_boxes(file: BinaryIO) -> Iterator[tuple[str, None]]:
    """``moov``, or ``cut`` if its end is missing, ``vide`` for pictures, and codes of codecs."""
    file.seek(0, 2)
    yield from _boxes(file, 0, file.tell())


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[str, None]]:
    is_video = False
    while at + 8 <= end:
        file.seek(at)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        first = at + 8
        if size == 1:
            size, first = int.from_bytes(header[8:16], "big"), at + 16
        if size == 0:
            size = end - at
        if size < 8:
            return
        if kind in _CONTAINERS:
            if kind == b"moov":
                yield ("moov" if at + size <= end else "cut"), None
            if kind != b"minf" or is_video:
                yield from _boxes(file, first, min(at + size, end))
        elif kind == b"hdlr":
            file.seek(first + 8)
            is_video = file.read(4) == b"vide"
            if is_video:
                yield "vide", None
        elif kind == b"stsd":
            # Version, number of entries, length of the first entry, and its code.
            file.seek(first + 12)
            yield file.read(4).decode("latin-1").lower(), None
        at += size
