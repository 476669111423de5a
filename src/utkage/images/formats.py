"""Picture formats: suffixes and signatures."""

from __future__ import annotations

import re

# Name, first bytes and suffixes of each format. JPEG includes the multi-picture files of phones.
_FORMATS: tuple[tuple[str, re.Pattern[bytes], tuple[str, ...]], ...] = tuple(
    (name, re.compile(signature, re.DOTALL), suffixes)
    for name, signature, suffixes in (
        (
            "JPEG",
            rb"\xff\xd8\xff",
            (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo"),
        ),
        ("PNG", rb"\x89PNG\r\n\x1a\n", (".png", ".apng")),
        ("WEBP", rb"RIFF.{4}WEBP", (".webp",)),
        # The length of the second header distinguishes bitmaps from texts that begin with BM.
        ("BMP", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", (".bmp", ".dib")),
        ("GIF", rb"GIF8[79]a", (".gif",)),
        ("TIFF", rb"II[*+]\0|MM\0[*+]", (".tif", ".tiff")),
        ("PPM", rb"P[1-6]\s", (".ppm", ".pgm", ".pbm", ".pnm")),
        # Files of the brand mif1 are AVIF if they list that as well.
        ("AVIF", rb".{4}ftyp(avi[fs]|m[is]f1.*avif)", (".avif", ".heif")),
        ("HEIF", rb".{4}ftyp(hei[cxms]|m[is]f1)", (".heic", ".heif", ".hif")),
        ("JXL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", (".jxl",)),
    )
)
SIGNATURE_BYTES = 48
"""Number of first bytes from which the format of a picture is recognised."""

IMAGE_SUFFIXES = tuple(dict.fromkeys(suffix for _, _, known in _FORMATS for suffix in known))
"""Suffixes, lower case, of the files that a folder or a pattern always contributes."""

# These begin like TIFF files, but what can be read in them is a thumbnail.
_RAW_SUFFIXES = (".arw", ".cr2", ".dng", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw")


def picture_format(start: bytes) -> str | None:
    """Pillow's name of the format that the first bytes belong to, such as ``"JPEG"``; or None."""
    for name, signature, _ in _FORMATS:
        if signature.match(start[:SIGNATURE_BYTES]):
            return name
    return None


def is_heif(content: bytes) -> bool:
    """Whether the first bytes are those of a HEIC or HEIF picture."""
    return picture_format(content) == "HEIF"


def is_picture(content: bytes) -> bool:
    """Whether the first bytes are those of any supported picture format."""
    return picture_format(content) is not None


def is_raw(name: str) -> bool:
    """Whether the suffix is that of a raw photograph, which cannot be read."""
    return name.lower().endswith(_RAW_SUFFIXES)


def extension_fits(name: str, content: bytes) -> bool:
    """Whether the suffix of a file fits its content; True for unknown content."""
    kind = picture_format(content)
    suffixes = next((known for found, _, known in _FORMATS if found == kind), ("",))
    return name.lower().endswith(suffixes)
