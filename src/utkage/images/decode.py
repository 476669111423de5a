"""From a picture file of any common kind to upright uint8 RGB."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from utkage.core.errors import ImageError
from utkage.images.formats import is_heif

PictureSource = Path | str | bytes | NDArray[np.generic]
"""A path, the content of a file, or decoded pixels."""

# Without a list, Pillow tries every plug-in, and some of them start other programs. JPEG includes
# the multi-picture files (MPO) of telephones.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "WEBP", "TIFF", "AVIF")

_WARNING_FILTERS = threading.Lock()


def load_image(
    source: PictureSource, *, max_pixels: int = 100_000_000, name: str | None = None
) -> NDArray[np.uint8]:
    """Decode a picture: upright by its EXIF orientation, first frame, transparency over white.

    Grey pictures of 16 bits (and integers up to 65535) are divided by 257; floating-point ones
    are read as 0..1 when nothing exceeds 1, and as 0..255 when nothing exceeds 255; any other
    range is stretched from its lowest to its highest value. Colour profiles are not applied, as
    they were not for the training images.

    Args:
        source: Path of a file, its content, or pixels as an array: uint8 (height, width), or
            with 3 (RGB) or 4 (RGBA) channels as the last axis. HEIC needs ``utkage[heic]``.
        max_pixels: Largest width x height to decode; the header alone decides.
        name: Name of the picture in errors, for bytes.

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
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(
                    f"{width} x {height} is over the limit of {max_pixels} pixels; "
                    "make it smaller first"
                )
            _load(image)
            # Broken metadata must not lose a picture that can be decoded.
            with contextlib.suppress(Exception), _without_warnings():
                ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name}: not a picture that can be read; use JPEG, PNG, WebP, AVIF, BMP, GIF or TIFF"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: too many pixels to decode; make it smaller first") from error
    # Pillow's decoders raise nearly every built-in exception when a file is damaged.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: damaged or truncated ({reason}); copy it again") from error


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a picture; None if it is not a picture."""
    try:
        with _open(content) as image:
            width, height = image.size
            return width, height
    # Damaged headers raise nearly anything.
    except Exception:
        return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
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
        advice = "run: pip install 'utkage[heic]'"
        raise ImageError(f"HEIC pictures need one more package; {advice}") from error
    register_heif_opener()


def _from_array(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    shape = pixels.shape
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not fits or pixels.size == 0:
        raise ImageError(
            f"an array of {pixels.dtype} {shape} is not a picture; use uint8 RGB (height, width, 3)"
        )
    if len(shape) == 3 and shape[2] == 3:
        return np.require(pixels, np.uint8, ["C", "W"])
    return _to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))


def _load(image: Image.Image) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    # Some formats warn about their size again while they decode.
    warns = limit is not None and image.width * image.height > limit
    with _without_warnings() if warns else contextlib.nullcontext():
        image.load()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    # Warning filters belong to the process, so two threads would restore each other's. Only
    # pictures above Pillow's own limit, which are rare, hold the lock while they are decoded.
    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
