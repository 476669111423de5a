"""How much memory decoding a JPEG takes, from its header."""

from __future__ import annotations

_START_OF_SCAN = 0xDA
# Start of a frame, sequential with Huffman coding.
_SEQUENTIAL = (0xC0, 0xC1)
# C4, C8 and CC are tables and an extension.
_FRAMES = (*_SEQUENTIAL, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
# Markers without a length: TEM, RST0 to RST7 and SOI.
_ALONE = (0x01, *range(0xD0, 0xD9))


def has_one_scan(content: bytes) -> bool:
    """Whether a JPEG is sequential, with all colours in one scan.

    Only then is it decoded row by row. The coefficients of other JPEGs, such as progressive ones,
    are in memory as a whole: up to 6 bytes a pixel, at any scale.
    """
    frame, components, place = 0, 0, 2
    while place + 10 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == _START_OF_SCAN:
            return frame in _SEQUENTIAL and content[place + 4] == components
        if marker in _FRAMES:
            frame, components = marker, content[place + 9]
        # A marker may follow any number of fill bytes.
        if marker == 0xFF:
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return False
