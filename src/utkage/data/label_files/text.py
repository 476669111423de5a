"""The text of a label file: its encoding is not written anywhere, so it has to be found."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

# Longest first, because the mark of UTF-32 starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What Excel writes where it does not write UTF-8: the code pages of Windows, and those of Macs.
_CODE_PAGES = (
    "cp949",
    "cp932",
    "gb18030",
    "big5",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "cp1258",
    "cp874",
    "cp850",
    "mac_roman",
    "cp437",
)
# Name of the first decoding of bytes in an unknown encoding.
BYTES = "bytes"
_PROBE = 4096


def decodings(content: bytes) -> Iterator[tuple[str, str]]:
    """The encodings that ``content`` may be in, with its text in each, the most probable first.

    Only bytes that are not UTF-8 and have no byte order mark have more than one. The first then
    holds the bytes as lone surrogates, as ``tarfile`` and ``os`` decode names, so a path in
    another encoding still finds its file.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            yield encoding, content.decode(encoding, "replace").removeprefix("\ufeff")
            return
    if unmarked := _unmarked_utf16(content):
        yield unmarked, content.decode(unmarked, "replace")
        return
    try:
        yield "UTF-8", content.decode("utf-8").removeprefix("\ufeff")
        return
    except UnicodeDecodeError:
        yield BYTES, content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    for encoding in _CODE_PAGES:
        try:
            yield encoding, content.decode(encoding)
        except UnicodeDecodeError:
            continue


def _unmarked_utf16(content: bytes) -> str | None:
    """The byte order of UTF-16 without a mark: every other byte of Latin text is zero."""
    head = content[:_PROBE]
    even, odd = head[::2], head[1::2]
    if len(head) < 4 or not head.count(0):
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) == 0:
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) == 0:
        return "utf-16-be"
    return None
