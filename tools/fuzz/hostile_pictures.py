"""Small picture files that a decoder could work on for minutes."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

_SCAN = b"\xff\xda"
_END_OF_JPEG = b"\xff\xd9"


def encoded(kind: str, width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """A picture of one colour in a format of Pillow."""
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_of_scans(scans: int, size: int) -> bytes:
    """A grey progressive JPEG whose last scan is repeated."""
    content = encoded("JPEG", size, size, "L", progressive=True)
    start, end = content.rindex(_SCAN), content.rindex(_END_OF_JPEG)
    return content[:end] + content[start:end] * scans + _END_OF_JPEG


def jpeg_of_segments(count: int) -> bytes:
    """A JPEG with empty comments before its picture."""
    content = encoded("JPEG", 64, 64)
    return content[:2] + b"\xff\xfe\0\2" * count + content[2:]


def png_of_chunks(count: int) -> bytes:
    """A PNG with chunks that no program knows."""
    content = encoded("PNG", 64, 64)
    chunk = b"\0\0\0\0zzZz" + struct.pack(">I", zlib.crc32(b"zzZz"))
    # The first chunk ends after 8 + 12 + 13 bytes.
    return content[:33] + chunk * count + content[33:]


def animation(kind: str, frames: int, size: int) -> bytes:
    """A GIF, PNG or WebP of frames without a face, each different from the one before."""
    generator = np.random.default_rng(0)
    noise = [Image.fromarray(generator.integers(0, 256, (8, 8), np.uint8)) for _ in range(frames)]
    pictures = [picture.resize((size, size)) for picture in noise]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:], duration=20)
    return buffer.getvalue()


def gif_of_frames(frames: int) -> bytes:
    """A GIF of very many frames of one pixel."""
    content = encoded("GIF", 64, 64, "P")
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return content[:-1] + frame * frames + b"\x3b"


def bmp_of_runs(count: int, size: int) -> bytes:
    """A BMP in run-length coding, in runs of one pixel and moves of none."""
    palette = b"\0\0\0\0" * 256
    body = (b"\1\1" * (count // 2)) + (b"\0\2\0\0" * (count // 4)) + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, size, size, 1, 8, 1, len(body), 2835, 2835, 256, 256)
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + header + palette + body


def ppm_of_digits(size: int) -> bytes:
    """A PPM whose pixels are decimal numbers."""
    return b"P3 %d %d 255\n" % (size, size) + b"1 " * (3 * size * size)


def tiff_of_strips(count: int) -> bytes:
    """An uncompressed TIFF with one row of one pixel in each strip."""
    start = 8 + 2 + 10 * 12 + 4
    entries = (
        (256, 4, 1, 1),  # width
        (257, 4, 1, count),
        (258, 3, 1, 8),
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 1),
        (273, 4, count, start),
        (277, 3, 1, 1),
        (278, 4, 1, 1),
        (279, 4, count, start + 4 * count),
        (284, 3, 1, 1),
    )
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    counts = struct.pack("<I", 1) * count
    return (
        struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4) + counts * 2 + b"x"
    )


def tiff_of_pages(count: int) -> bytes:
    """A TIFF with very many pages of one pixel."""
    entries = (
        (256, 3, 1, 1),
        (257, 3, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 0),
        (277, 3, 1, 1),
        (279, 4, 1, 1),
    )
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    size = 2 + len(body) + 4
    pages = (
        struct.pack("<H", len(entries)) + body + struct.pack("<I", 8 + (page + 1) * size)
        for page in range(count - 1)
    )
    last = struct.pack("<H", len(entries)) + body + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8) + b"".join(pages) + last


SLOW: Mapping[str, Callable[[], bytes]] = {
    "3,000 scans of 81 million pixels": lambda: jpeg_of_scans(3_000, 9_000),
    "300 scans of 9 million pixels": lambda: jpeg_of_scans(300, 3_000),
    "12,000,000 comments": lambda: jpeg_of_segments(12_000_000),
    "4,000,000 chunks": lambda: png_of_chunks(4_000_000),
    "3,000,000 frames of one pixel": lambda: gif_of_frames(3_000_000),
    "25,000,000 runs": lambda: bmp_of_runs(25_000_000, 9_000),
    "48,000,000 decimal numbers": lambda: ppm_of_digits(4_000),
    "10,000,000 strips": lambda: tiff_of_strips(10_000_000),
    "500,000 pages": lambda: tiff_of_pages(500_000),
    "1,000 frames of a GIF": lambda: animation("GIF", 1_000, 500),
    "400 frames of a WebP": lambda: animation("WEBP", 400, 1_000),
    "300 frames of a PNG": lambda: animation("PNG", 300, 1_000),
    "10,000 pixels square, transparent": lambda: encoded("PNG", 10_000, 10_000, "RGBA"),
    "a strip of 50 pixels": lambda: encoded("PNG", 50, 2_000_000),
    "a strip of 1,000 pixels": lambda: encoded("PNG", 1_000, 100_000),
    "16,000 pixels of WebP": lambda: encoded("WEBP", 12_000, 8_000, lossless=True),
    "100 million pixels of TIFF": lambda: encoded("TIFF", 10_000, 10_000, compression="tiff_lzw"),
}
"""Names and contents of files that took from ten seconds to minutes."""
