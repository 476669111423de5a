"""From a picture file of any common kind to upright uint8 RGB."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from utkage.core.errors import ImageError
from utkage.images.formats import is_heif

PictureSource = Path | str | bytes | NDArray[np.generic]
"""A path, the content of a file, or decoded pixels."""

# Pillow would otherwise try every plug-in it has, some of which start other programs. JPEG stands
# for the multi-picture files (MPO) of telephones as well.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "WEBP", "TIFF", "AVIF")

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_WARNING_FILTERS = threading.Lock()


def load_image(
    source: PictureSource, *, max_pixels: int = 100_000_000, name: str | None = None
) -> NDArray[np.uint8]:
    """Decode a picture: upright by its EXIF orientation, first frame, transparency over white.

    Grey pictures of 16 bits (and integers up to 65535) are divided by 257; floating-point ones
    are read as 0..1 when nothing exceeds 1, and as 0..255 when nothing exceeds 255; any other
    range is stretched from its lowest to its highest value. Colour profiles are not applied: the
    numbers in the file are the numbers that come out, as for the pictures of the training.

    HEIC and HEIF need the extra ``utkage[heic]``.

    Args:
        source: Path of a file, its content, or pixels as an array: uint8 (height, width), or
            with 3 (RGB) or 4 (RGBA) channels as the last axis.
        max_pixels: Largest width x height that is decoded, judged by the header alone.
        name: What errors call it, for bytes that come from somewhere.

    Returns:
        uint8 RGB, (height, width, 3), contiguous and writeable.

    Raises:
        ImageError: the file is missing, empty, damaged, too large or not a picture.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    name = name or ("picture" if isinstance(source, bytes) else str(source))
    content = source if isinstance(source, bytes) else _read(Path(source))
    if not content:
        raise ImageError(f"{name}: the file is empty; copy or download it again")
    try:
        with _open(content) as image:
            _check_size(image, max_pixels, name)
            _load(image)
            return _to_rgb(_upright(image))
    except ImageError as error:
        if str(error).startswith(name):
            raise
        raise ImageError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name}: not a picture that can be read; use JPEG, PNG, WebP, AVIF, BMP, GIF or TIFF"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: too many pixels to decode; make it smaller first") from error
    # Pillow's decoders let nearly every built-in exception out when a file is damaged.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: damaged or cut short ({reason}); copy it again") from error


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that a picture's header claims; None if it is no picture."""
    try:
        with _open(content) as image:
            width, height = image.size
            return width, height
    # Damaged headers raise nearly anything, and only the size was asked for.
    except Exception:
        return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{path}: cannot be read ({reason}); check the file") from error


def _open(content: bytes) -> Image.Image:
    formats: tuple[str, ...] = _FORMATS
    if is_heif(content):
        _register_heif()
        formats = (*_FORMATS, "HEIF")
    with _without_warnings():
        return Image.open(BytesIO(content), formats=formats)


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ImageError(
            "HEIC pictures need one more package; run: pip install 'utkage[heic]'"
        ) from error
    register_heif_opener()


def _from_array(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    shape = pixels.shape
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not fits or pixels.size == 0:
        raise ImageError(
            f"an array of {pixels.dtype} {shape} is no picture; use uint8 RGB (height, width, 3)"
        )
    if len(shape) == 3 and shape[2] == 3:
        return np.require(pixels, np.uint8, ["C", "W"])
    return _to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))


def _load(image: Image.Image) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    # Some formats warn about their size once more while they decode.
    warns = limit is not None and image.width * image.height > limit
    with _without_warnings() if warns else nullcontext():
        image.load()


@contextmanager
def _without_warnings() -> Iterator[None]:
    # Filters belong to the whole process; two threads that swap them would restore each
    # other's. Decoding is what takes long, so only pictures above Pillow's own limit, which
    # are rare, keep the lock while they do it.
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_size(image: Image.Image, max_pixels: int, name: str) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{name}: {width} x {height} is over the limit of {max_pixels} pixels; "
            "make it smaller first"
        )


def _upright(image: Image.Image) -> Image.Image:
    try:
        with _without_warnings():
            orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    # Broken metadata must not cost us a picture that decodes.
    except Exception:
        return image
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        grey = _eight_bit(np.asarray(image), floating=image.mode.startswith("F"))
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, layer)
    return np.array(image.convert("RGB"), dtype=np.uint8, order="C")


def _eight_bit(values: NDArray[np.generic], *, floating: bool) -> NDArray[np.uint8]:
    grey = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(grey.min()), float(grey.max())
    if floating and low >= 0 and high <= 1:
        grey = grey * 255
    elif floating and low >= 0 and high <= 255:
        pass
    elif not floating and low >= 0 and high <= 65535:
        grey = grey / 257
    else:
        grey = (grey - low) / ((high - low) or 1.0) * 255
    return np.rint(grey).astype(np.uint8)
