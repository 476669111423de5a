"""Picture formats: suffixes and signatures."""

from __future__ import annotations

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif"),
)
"""Suffixes, lower case, of the files that a folder or a pattern contributes."""

# First bytes of each format, and its suffixes.
_SIGNATURES: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"\xff\xd8\xff", (".jpg", ".jpeg")),
    (b"\x89PNG\r\n\x1a\n", (".png",)),
    (b"GIF8", (".gif",)),
    (b"BM", (".bmp",)),
    (b"II*\x00", (".tif", ".tiff")),
    (b"MM\x00*", (".tif", ".tiff")),
    (b"RIFF", (".webp",)),
)
# Bytes 4 to 12 of files in the ISO base media format.
_HEIF_BRANDS = (b"ftypheic", b"ftypheix", b"ftypheim", b"ftypheis", b"ftypmif1", b"ftypmsf1")


def is_heif(content: bytes) -> bool:
    """Whether the first bytes are those of a HEIC or HEIF picture."""
    return content[4:12] in _HEIF_BRANDS


def is_picture(content: bytes) -> bool:
    """Whether the first bytes are those of any supported picture format."""
    return (
        content.startswith(tuple(signature for signature, _ in _SIGNATURES))
        or content[4:12] in (b"ftypavif", b"ftypavis")
        or is_heif(content)
    )


def extension_fits(name: str, content: bytes) -> bool:
    """Whether the suffix of a file fits its content; True for unknown content."""
    for signature, suffixes in _SIGNATURES:
        if content.startswith(signature):
            return name.lower().endswith(suffixes)
    return True
