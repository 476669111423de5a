"""Pillow's readers: which may open a file, and which need one more package."""

from __future__ import annotations

from importlib import import_module

from PIL import Image, features

from utkage.core.errors import ImageError
from utkage.images.formats import picture_format
from utkage.images.video_formats import is_video_content

# Without a list, Pillow tries every plug-in, and some of them start other programs. JPEG includes
# the multi-picture files (MPO) of phones.
_ALWAYS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "WEBP", "TIFF")
# Formats whose reader needs a library that a Pillow built from source may lack, and Pillow's name.
_LIBRARIES = {"JPEG": "jpg", "PNG": "zlib", "WebP": "webp", "TIFF": "libtiff"}
# Formats that not every Pillow reads: their name, the module that reads them, and its package.
_EXTRA = {
    "AVIF": ("AVIF", "pillow_avif", "'pillow>=11.3'"),
    "HEIF": ("HEIC", "pillow_heif", "'utkage[heic]'"),
    "JXL": ("JPEG XL", "pillow_jxl", "pillow-jxl-plugin"),
}


def readers_for(start: bytes) -> tuple[str, ...]:
    """Names of the readers that may open a file with these first bytes.

    Raises:
        ImageError: the format needs a package that is not installed, or the file is a video.
    """
    if is_video_content(start):
        raise ImageError("is a video, not a picture; use predict_inputs or predict_videos")
    kind = picture_format(start)
    if kind is None or kind not in _EXTRA:
        return _ALWAYS
    _register(kind)
    return (*_ALWAYS, kind)


def _register(kind: str) -> None:
    Image.init()
    if kind in Image.OPEN:
        return
    name, module, package = _EXTRA[kind]
    try:
        reader = import_module(module)
    except ImportError as error:
        raise ImageError(
            f"{name} pictures need one more package; run: pip install {package}"
        ) from error
    if kind == "HEIF":
        reader.register_heif_opener()


def readable_formats() -> dict[str, str]:
    """Names of the picture formats, and of each that cannot be read here, why; else nothing."""
    found = {
        name: "" if features.check(library) else f"the installed Pillow lacks {library}"
        for name, library in _LIBRARIES.items()
    }
    for kind, (name, _, _) in _EXTRA.items():
        try:
            _register(kind)
            found[name] = ""
        except ImageError as error:
            found[name] = str(error).rpartition("; ")[2]
    return found
