"""Which pictures a file of several holds: animations, pages of a scan, bursts, views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

# Formats whose files may have several pictures.
_SEVERAL = ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")
_ENTRIES = 0xB002


def frames_of(image: Image.Image) -> Sequence[int]:
    """Indices, from 0, of the pictures in an opened file; thumbnails of another one do not count.

    Only its pixels show whether a further picture of a JPEG is a map of the light in the first one.
    """
    if image.format in _SEVERAL:
        return range(getattr(image, "n_frames", 1))
    if image.format == "MPO":
        information: Any = getattr(image, "mpinfo", {})
        kinds = [str(entry["Attribute"]["MPType"]) for entry in information.get(_ENTRIES, ())]
        return [0, *(at for at, kind in enumerate(kinds) if at and "Thumbnail" not in kind)]
    return range(1)


def is_map_of(further: Image.Image, first_mode: str) -> bool:
    """Whether a further picture of a JPEG is a grey map of the light or depth in a coloured one."""
    return further.format == "MPO" and further.mode == "L" and first_mode != "L"
