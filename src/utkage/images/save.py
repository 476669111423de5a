"""Writing of picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from utkage.core.errors import ImageError
from utkage.core.files import replacing
from utkage.images.decode import CROP_KEY

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}

# Largest width and height that a format can hold.
_LARGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
# The EXIF tag for the program that wrote a picture.
_SOFTWARE, _MARK = 0x0131, "utkage"


def is_saved_image(path: Path) -> bool:
    """Whether ``save_image`` wrote a file, and no other program has changed it since."""
    try:
        with Image.open(path) as picture:
            return bool(picture.getexif().get(_SOFTWARE) == _MARK)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def save_image(
    path: Path, rgb: NDArray[np.uint8], quality: int = 92, *, crop: str | None = None
) -> None:
    """Write uint8 RGB, (height, width, 3), atomically in the format of the suffix of ``path``.

    The suffix is .jpg, .jpeg, .png or .webp. Folders are created. ``quality``, 1..100, is for JPEG
    and WebP; PNG is lossless. A PNG can describe the ``crop`` of a chip; ``decode_image`` reads it.

    Raises:
        ImageError: unsupported suffix or array, a picture that the format cannot hold, or the file
            cannot be written.
    """
    format_name = _FORMATS.get(path.suffix.lower())
    if format_name is None:
        raise ImageError(
            f"{path}: pictures cannot be written as {path.suffix!r}; use .jpg, .png or .webp"
        )
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ImageError(f"{path}: {rgb.dtype} of shape {rgb.shape} is not an 8-bit RGB picture")
    largest = _LARGEST_SIDE.get(format_name)
    if largest is not None and max(rgb.shape[:2]) > largest:
        raise ImageError(
            f"{path}: {rgb.shape[1]} x {rgb.shape[0]} pixels are too many for {format_name}, which "
            f"holds up to {largest} in a row; make the picture smaller first"
        )
    options: dict[str, Any] = {"quality": quality}
    if format_name == "PNG":
        options = {"pnginfo": PngInfo()}
        if crop is not None:
            options["pnginfo"].add_text(CROP_KEY, crop)
    try:
        with replacing(path) as partial:
            exif = Image.Exif()
            exif[_SOFTWARE] = _MARK
            Image.fromarray(rgb).save(partial, format=format_name, exif=exif, **options)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ImageError(f"{path}: the picture cannot be written ({reason})") from error
