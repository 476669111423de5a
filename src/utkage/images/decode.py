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

# Pillow would otherwise try every plug-in it has, some of which start other programs. JPEG stands
# for the multi-picture files (MPO) of telephones as well.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "WEBP", "TIFF")

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


def load_image(source: Path | bytes, *, max_pixels: int = 100_000_000) -> NDArray[np.uint8]:
    """Decode a picture: upright by its EXIF orientation, first frame, transparency over white.

    Grey pictures of 16 bits (and integers up to 65535) are divided by 257; floating-point ones
    are read as 0..1 when nothing exceeds 1, and as 0..255 when nothing exceeds 255; any other
    range is stretched from its lowest to its highest value.

    Args:
        source: Path of a file, or its content.
        max_pixels: Largest width x height that is decoded, judged by the header alone.

    Returns:
        uint8 RGB, (height, width, 3), contiguous and writeable.

    Raises:
        ImageError: the file is missing, empty, damaged, too large or not a picture.
    """
    name = "picture" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _read(source)
    if not content:
        raise ImageError(f"{name}: the file is empty; copy or download it again")
    try:
        with _open(content) as image:
            _check_size(image, max_pixels, name)
            _load(image)
            return _to_rgb(_upright(image))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name}: not a picture that can be read; use JPEG, PNG, WebP, BMP, GIF or TIFF"
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
    with _without_warnings():
        return Image.open(BytesIO(content), formats=_FORMATS)


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
