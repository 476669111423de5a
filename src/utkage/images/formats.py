"""Which files count as pictures."""

from __future__ import annotations

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Suffixes, lower case, of the files that a folder or a pattern contributes."""

# First bytes of each format and the endings that belong to it.
_SIGNATURES: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"\xff\xd8\xff", (".jpg", ".jpeg")),
    (b"\x89PNG\r\n\x1a\n", (".png",)),
    (b"GIF8", (".gif",)),
    (b"BM", (".bmp",)),
    (b"II*\x00", (".tif", ".tiff")),
    (b"MM\x00*", (".tif", ".tiff")),
    (b"RIFF", (".webp",)),
)


def extension_fits(name: str, content: bytes) -> bool:
    """Whether a file's ending is that of its content; True where the content is not known."""
    for signature, endings in _SIGNATURES:
        if content.startswith(signature):
            return name.lower().endswith(endings)
    return True
