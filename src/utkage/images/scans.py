"""Scans of JPEGs: each one of a progressive file passes over the whole picture."""

from __future__ import annotations

import re

from utkage.core.errors import ImageError

MOST_SCANNED = 4_000_000_000
"""Largest number of scans times number of pixels.

The usual ten scans of 100 million pixels are a quarter of it; all of it takes some seconds.
"""

_SCAN = b"\xff\xda"
_SCAN_CODE = 0xDA
_END_CODE = 0xD9
# A marker without a length.
_ALONE = 0x01
# In a scan, 0xff is followed by zero, or begins a mark to restart; D8 begins the file.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd8]")


def require_few_scans(content: bytes, width: int, height: int) -> None:
    """Refuse a JPEG with so many scans that decoding it would take minutes.

    Args:
        content: The file.
        width: Width in its header, pixels.
        height: Height in its header, pixels.

    Raises:
        ImageError: the file has too many scans for its size.
    """
    most = MOST_SCANNED // max(1, width * height)
    # Thumbnails and further pictures in the file have scans of their own, so this is a bound.
    if content.count(_SCAN) <= most:
        return
    scans = count_scans(content, most + 1)
    if scans > most:
        raise ImageError(
            f"has more than {most} scans of {width} x {height} pixels, which take too long to "
            "decode; open it in a picture editor and save it again"
        )


def count_scans(content: bytes, most: int) -> int:
    """The number of scans of the first picture in a JPEG; counting ends at ``most``."""
    scans, place = 0, 2
    # Decoders skip what lies between two segments, whether it belongs to a scan or to nothing.
    while scans < most and (found := _NEXT_MARKER.search(content, place)):
        place = found.start()
        code = content[place + 1]
        if code == _END_CODE:
            break
        scans += code == _SCAN_CODE
        place += 2 + (code != _ALONE and int.from_bytes(content[place + 2 : place + 4], "big"))
    return scans
