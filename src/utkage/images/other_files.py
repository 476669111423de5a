"""What a file that is no picture is instead, by its first bytes."""

from __future__ import annotations

import re

_START_BYTES = 512
# Pattern of the first bytes, what the file is, and what helps.
_KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), advice)
    for pattern, advice in (
        (
            rb"PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|.{257}ustar",
            "an archive or a compressed file; unpack it and name what comes out",
        ),
        (rb"%PDF", "a PDF document; save its pages as pictures"),
        (rb"8BPS", "a Photoshop file; save it as PNG or JPEG"),
        (
            rb"version https://git-lfs",
            "a pointer of Git LFS instead of its file; fetch it with git lfs pull",
        ),
        (
            rb"\s*<(!doctype html|html|head|body)",
            "a web page, perhaps instead of a download that failed; fetch the picture again",
        ),
        (rb"\s*(<\?xml.*)?(<!doctype svg.*)?<svg", "an SVG drawing; save it as PNG"),
        (rb"\x00\x00\x01\x00", "an icon; save it as PNG"),
        (
            rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
            "a JPEG 2000 picture; save it as PNG or JPEG",
        ),
        (
            rb"II\x55\x00|FUJIFILMCCD-RAW|II\x1a\0\0\0HEAPCCDR|.{4}ftypcrx ",
            "a raw photograph; develop it as JPEG or TIFF",
        ),
    )
)


def other_kind(content: bytes) -> str | None:
    """What a file is that cannot be read as a picture, and what to do; None if that is unknown.

    >>> other_kind(b"%PDF-1.7")
    'a PDF document; save its pages as pictures'
    """
    start = content[:_START_BYTES].removeprefix(b"\xef\xbb\xbf")
    return next((advice for pattern, advice in _KINDS if pattern.match(start)), None)
