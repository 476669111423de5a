"""From a picture file of any common kind to upright uint8 RGB."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from utkage.core.errors import ImageError
from utkage.images.addresses import data_content, data_name, file_path, is_data_uri, is_file_url
from utkage.images.folders import as_on_disk
from utkage.images.formats import picture_format
from utkage.images.readers import readers_for


class BinaryStream(Protocol):
    """An open file, ``BytesIO``, or an upload of a web framework."""

    def read(self) -> bytes:
        """All bytes that follow."""


PictureSource = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryStream
    | Image.Image
    | NDArray[np.generic]
)
"""A path, ``file:`` URL or ``data:`` URI, the content of a file, an open file, or pixels."""

# Formats whose files may have several pictures. The second one of a JPEG is a map of its light.
_SEVERAL = ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")
_WARNING_FILTERS = threading.Lock()
# Pipes that a shell opened for this process, as in `utkage predict <(command)`, have a writer.
_OPEN_PIPES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
_END_OF_JPEG = b"\xff\xd9"
_GREY = 128
# Share of the rows that a truncated JPEG must have.
_LEAST_SHARE = 0.75
# Key of the text in a PNG that describes how a chip was cropped.
CROP_KEY = "utkage-crop"
_NOT_PLAIN = "is not a plain file; copy the picture into one"


@dataclass(frozen=True)
class DecodedImage:
    """A picture that was read.

    Attributes:
        pixels: uint8 RGB, (height, width, 3), contiguous and writeable.
        truncated: Whether the end of the file is missing; what it held is grey.
        crop: Description of the crop of a saved chip, as in the file; or None.
        several: Content of the file, if it has several pictures; ``pixels`` are the first.
    """

    pixels: NDArray[np.uint8]
    truncated: bool = False
    crop: str | None = None
    several: bytes | None = None


def load_image(
    source: PictureSource, *, max_pixels: int = 100_000_000, name: str | None = None
) -> NDArray[np.uint8]:
    """Decode a picture: upright by its EXIF orientation, first frame, transparency over white.

    Grey pictures of 16 bits (and integers up to 65535) are divided by 257; floating-point ones
    are read as 0..1 when nothing exceeds 1, and as 0..255 when nothing exceeds 255; any other
    range is stretched from its lowest to its highest value. Colour profiles are not applied, as
    they were not for the training images.

    Args:
        source: Path of a file, its content, an open file, a Pillow image, or pixels as an array:
            uint8 or uint16, (height, width), or with 1, 3 (RGB) or 4 (RGBA) channels as the last
            axis. HEIC needs ``utkage[heic]``.
        max_pixels: Largest width x height to decode; the header alone decides.
        name: Name of the picture in errors; None for its path, or "picture".

    Returns:
        uint8 RGB, (height, width, 3), contiguous and writeable.

    Raises:
        ImageError: the file is missing, empty, damaged, too large or not a picture.
    """
    return decode_image(source, max_pixels=max_pixels, name=name).pixels


def decode_image(
    source: PictureSource,
    *,
    max_pixels: int = 100_000_000,
    name: str | None = None,
    allow_truncated: bool = False,
) -> DecodedImage:
    """Decode a picture as ``load_image`` does, and report whether its end is missing.

    With ``allow_truncated``, a JPEG whose end is missing is decoded if at least three quarters of
    its rows are there.
    """
    if isinstance(source, np.ndarray):
        return DecodedImage(_from_array(source))
    if isinstance(source, Image.Image):
        with _named_errors(name or "picture"):
            return _from_pillow(source, max_pixels, allow_truncated)
    content, default_name = _content(source, name)
    with _named_errors(name or default_name):
        if not content:
            raise ImageError("the file is empty; copy or download it again")
        return _decode(content, max_pixels, allow_truncated)


@contextlib.contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an ``ImageError`` with the name of the picture."""
    try:
        yield
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


def _decode(content: bytes, max_pixels: int, allow_truncated: bool) -> DecodedImage:
    try:
        with open_picture(content) as image:
            crop = image.info.get(CROP_KEY)
            several = content if _has_several(image) else None
            pixels = upright_rgb(image, max_pixels, in_place=several is None)
            return DecodedImage(pixels, crop=crop, several=several)
    except OSError:
        if not allow_truncated or picture_format(content) != "JPEG":
            raise
    # The decoder fills with grey what lies between the end of the data and this mark.
    with open_picture(content + _END_OF_JPEG) as image:
        _load(image)
        share = _readable_share(np.asarray(image))
        if share < _LEAST_SHARE:
            raise ImageError(f"truncated: only {share:.0%} of its rows are there; copy it again")
        return DecodedImage(upright_rgb(image, max_pixels, in_place=True), truncated=True)


def _has_several(image: Image.Image) -> bool:
    return image.format in _SEVERAL and getattr(image, "n_frames", 1) > 1


def _readable_share(pixels: NDArray[np.uint8]) -> float:
    """The share of the rows above those that are grey because their data are missing."""
    flat = pixels.reshape(len(pixels), -1)
    rows = np.flatnonzero(((flat < _GREY - 1) | (flat > _GREY + 1)).any(axis=1))
    return float(rows[-1] + 1) / len(pixels) if len(rows) else 0.0


def _from_pillow(image: Image.Image, max_pixels: int, allow_truncated: bool) -> DecodedImage:
    several = _file_content(image) if _has_several(image) and image.tell() == 0 else None
    try:
        return DecodedImage(upright_rgb(image, max_pixels, in_place=False), several=several)
    except OSError:
        # Pillow reads a file only when its pixels are needed.
        stream = getattr(image, "fp", None)
        if stream is None:
            raise
    return _decode(read_stream(stream), max_pixels, allow_truncated)


def _file_content(image: Image.Image) -> bytes | None:
    """The file of an image that Pillow has opened but not read; None if it is gone."""
    stream: Any = getattr(image, "_fp", None) or getattr(image, "fp", None)
    try:
        place = stream.tell()
        content = read_stream(stream)
        stream.seek(place)
    except (AttributeError, ImageError, OSError, ValueError):
        return None
    return content


def upright_rgb(image: Image.Image, max_pixels: int, *, in_place: bool) -> NDArray[np.uint8]:
    """Pixels of the present picture of an opened file, upright by EXIF, (height, width, 3)."""
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} is over the limit of {max_pixels} pixels; make it smaller first"
        )
    _load(image)
    # Broken metadata must not lose a picture that can be decoded.
    with contextlib.suppress(Exception), _without_warnings():
        # In place, no copy is made; but a program may go on using its own image.
        if in_place:
            ImageOps.exif_transpose(image, in_place=True)
        else:
            image = ImageOps.exif_transpose(image)
    return _to_rgb(image)


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a picture; None if it is not a picture."""
    try:
        with open_picture(content) as image:
            width, height = image.size
            return width, height
    # Damaged headers raise nearly anything.
    except Exception:
        return None


def _content(source: object, name: str | None) -> tuple[bytes, str]:
    """The content of a file, and a name for it."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "picture"
    if not isinstance(source, (str, os.PathLike)):
        return read_stream(source), "picture"
    text = os.fsdecode(source)
    if not text:
        raise ImageError("an empty name is not a picture; was a variable unset?")
    if is_data_uri(text):
        return data_content(text), data_name(text)
    path = Path(file_path(text) if is_file_url(text) else text)
    return _read(as_on_disk(path), name or str(path)), str(path)


def read_stream(stream: object) -> bytes:
    """All bytes of an open file, from its beginning where it can be rewound, as in Pillow.

    Raises:
        ImageError: it cannot be read, or gives something other than bytes.
    """
    name = type(stream).__name__
    read = getattr(stream, "read", None)
    if read is None:
        raise ImageError(f"{name} is not a picture; give a path, bytes, an open file or an array")
    try:
        with contextlib.suppress(OSError, AttributeError, TypeError):
            stream.seek(0)  # type: ignore[attr-defined]
        content = read()
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read ({error}); open the file again") from error
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise ImageError(
            f"{name} gives {type(content).__name__} instead of bytes; open the file in binary "
            "mode ('rb'), or give its bytes"
        )
    return bytes(content)


def _read(path: Path, name: str) -> bytes:
    try:
        mode = path.stat().st_mode
        # A pipe without a writer, or a device, could be read for ever.
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or _is_open_pipe(path, mode)):
            raise ImageError(f"{name}: {_NOT_PLAIN}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name}: cannot be read ({reason}); check the file") from error


def _is_open_pipe(path: Path, mode: int) -> bool:
    return stat.S_ISFIFO(mode) and str(path).startswith(_OPEN_PIPES)


def open_picture(content: bytes) -> Image.Image:
    """Open the content of a picture file with the readers that it may need."""
    formats = readers_for(content)
    with _without_warnings():
        return Image.open(BytesIO(content), formats=formats)


def _from_array(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    shape, kind = pixels.shape, pixels.dtype
    if len(shape) == 3 and shape[2] == 1:
        pixels = pixels[..., 0]
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and shape[2] in (3, 4))
    if kind.kind != "u" or kind.itemsize > 2 or not fits or pixels.size == 0:
        raise ImageError(
            f"an array of {kind} {shape} is not a picture; use uint8 RGB (height, width, 3)"
            f"{_array_advice(pixels)}"
        )
    if pixels.ndim == 3:
        # Pillow reads colours of 16 bits as their upper 8.
        eight_bit = (
            (pixels.astype(np.uint16) >> 8).astype(np.uint8) if kind.itemsize == 2 else pixels
        )
        if shape[2] == 3:
            return np.require(eight_bit, np.uint8, ["C", "W"])
        return _to_rgb(Image.fromarray(np.ascontiguousarray(eight_bit)))
    grey = _eight_bit(pixels, floating=False) if kind.itemsize == 2 else pixels
    return np.repeat(np.asarray(grey, np.uint8)[..., np.newaxis], 3, axis=2)


def _array_advice(pixels: NDArray[np.generic]) -> str:
    """How an array that is not a picture becomes one, as the end of a message."""
    if pixels.ndim == 4:
        return ", or a list of such arrays"
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and pixels.shape[2] > 4:
        return "; move the channels to the end with transpose(1, 2, 0)"
    if pixels.dtype.kind == "f":
        return "; values of 0 to 1 become (255 * array).round().astype('uint8')"
    if pixels.dtype.kind == "i":
        return "; values of 0 to 255 become array.astype('uint8')"
    return ""


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
    if image.has_transparency_data:
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
