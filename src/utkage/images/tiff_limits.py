"""Directories of TIFFs: one for each page, which lists the strips that hold its pixels."""

from __future__ import annotations

import struct

from utkage.core.errors import ImageError

MOST_PAGES = 20_000
MOST_STRIPS = 400_000
"""Largest number of strips or tiles of a page: 100 million pixels have 390,000 small tiles."""

_MOST_ENTRIES = 1_000_000
# Tags for the places of strips and of tiles.
_PLACES = (273, 324)
# Bytes of the number of entries and of an entry; formats of that number, and of counts and offsets.
_CLASSIC = (2, 12, "H", "I")
_BIG = (8, 20, "Q", "Q")
_SAVE_AGAIN = "open it in a picture editor and save it again"


def require_few_strips(content: bytes) -> None:
    """Refuse a TIFF whose directories alone would take minutes to read.

    Raises:
        ImageError: there are too many pages, entries, or strips in a page.
    """
    order = "<" if content.startswith(b"II") else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    head, size, entry_count, offset = _BIG if is_big else _CLASSIC
    seen: set[int] = set()
    entries_seen = 0
    try:
        (place,) = struct.unpack_from(order + offset, content, 8 if is_big else 4)
        while place and place not in seen:
            seen.add(place)
            (entries,) = struct.unpack_from(order + entry_count, content, place)
            entries_seen += entries
            if len(seen) > MOST_PAGES or entries_seen > _MOST_ENTRIES:
                raise ImageError(
                    f"has more than {MOST_PAGES} pages, or damaged ones; {_SAVE_AGAIN}"
                )
            for start in range(place + head, place + head + entries * size, size):
                tag, _, count = struct.unpack_from(f"{order}HH{offset}", content, start)
                if tag in _PLACES and count > MOST_STRIPS:
                    raise ImageError(
                        f"a page has {count} strips, over the limit of {MOST_STRIPS}; {_SAVE_AGAIN}"
                    )
            (place,) = struct.unpack_from(order + offset, content, place + head + entries * size)
    except (struct.error, OverflowError):
        # The file ends early, which the decoder reports if it matters.
        return
