"""From a picture file of any common kind to upright uint8 RGB."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from utkage.core.errors import ImageError
from utkage.core.forks import ModuleLock, call_after_fork
from utkage.images.addresses import data_content, data_name, is_data_uri, local_path
from utkage.images.bounded_stream import BoundedStream
from utkage.images.contents import read_path, read_stream
from utkage.images.folders import as_on_disk
from utkage.images.formats import picture_format
from utkage.images.frames import frames_of
from utkage.images.libtiff import silence_libtiff
from utkage.images.other_files import other_kind
from utkage.images.pixel_budget import PixelBudget
from utkage.images.pixels import from_array, to_rgb
from utkage.images.readers import readers_for
from utkage.images.reduction import MAX_PIXELS, factor_within, reduce_while_read
from utkage.images.scans import require_few_scans
from utkage.images.tiff_limits import require_few_strips


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

_ORIENTATION = 0x0112
# EXIF orientations in which width and height are exchanged.
_ON_ITS_SIDE = (5, 6, 7, 8)
_WARNING_FILTERS = ModuleLock()
_DECODING = PixelBudget()
call_after_fork(_DECODING.renew)
_END_OF_JPEG = b"\xff\xd9"
_GREY = 128
# Share of the rows that a truncated JPEG must have.
_LEAST_SHARE = 0.75
# Key of the text in a PNG that describes how a chip was cropped.
CROP_KEY = "utkage-crop"


@dataclass(frozen=True)
class DecodedImage:
    """A picture that was read.

    Attributes:
        pixels: uint8 RGB, (height, width, 3), contiguous and writeable.
        truncated: Whether the end of the file is missing; the missing part is grey.
        crop: Description of the crop of a saved chip, as in the file; or None.
        several: Content of the file, if it has several pictures; ``pixels`` are the first.
        scale: Factor by which width and height were reduced; 1 unless the picture is over the
            limit.
        reduced_from: Width and height of the upright picture if it is over the limit; or None.
    """

    pixels: NDArray[np.uint8]
    truncated: bool = False
    crop: str | None = None
    several: bytes | None = None
    scale: int = 1
    reduced_from: tuple[int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture, before it was reduced."""
        height, width = self.pixels.shape[:2]
        return self.reduced_from or (width, height)


def load_image(
    source: PictureSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None
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
        max_pixels: Largest width x height. A larger picture is reduced to a half, a quarter or an
            eighth of its width and height: a JPEG while it is decoded, others of at most twice as
            many pixels, and progressive JPEGs, afterwards. The header alone decides.
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
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
    allow_truncated: bool = False,
) -> DecodedImage:
    """Decode a picture as ``load_image`` does, and report its scale and whether its end is missing.

    With ``allow_truncated``, a JPEG whose end is missing is decoded if at least three quarters of
    its rows are there.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
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
            several = content if len(frames_of(image)) > 1 else None
            decoded = upright(image, max_pixels, content, in_place=several is None)
            return replace(decoded, crop=crop, several=several)
    except OSError:
        if not allow_truncated or picture_format(content) != "JPEG":
            raise
    # The decoder fills with grey what lies between the end of the data and this mark.
    content += _END_OF_JPEG
    with open_picture(content) as image:
        decoded = upright(image, max_pixels, content, in_place=False)
        share = _readable_share(np.asarray(image))
        if share < _LEAST_SHARE:
            raise ImageError(f"truncated: only {share:.0%} of its rows are there; copy it again")
        return replace(decoded, truncated=True)


def _readable_share(pixels: NDArray[np.uint8]) -> float:
    """The share of the rows above those that are grey because their data are missing."""
    flat = pixels.reshape(len(pixels), -1)
    rows = np.flatnonzero(((flat < _GREY - 1) | (flat > _GREY + 1)).any(axis=1))
    return float(rows[-1] + 1) / len(pixels) if len(rows) else 0.0


def _from_array(pixels: NDArray[np.generic], max_pixels: int) -> DecodedImage:
    height, width = (*pixels.shape, 1, 1)[:2]
    factor = factor_within(width, height, max_pixels)
    if factor == 1:
        return DecodedImage(from_array(pixels))
    return DecodedImage(from_array(pixels, factor), scale=factor, reduced_from=(width, height))


def _from_pillow(image: Image.Image, max_pixels: int, allow_truncated: bool) -> DecodedImage:
    is_unread = bool(getattr(image, "tile", None))
    is_large = is_unread and factor_within(*image.size, max_pixels) > 1
    is_first = image.tell() == 0
    content = None
    if is_large or (is_first and len(frames_of(image)) > 1):
        content = _file_content(image)
    if is_large and is_first and content is not None:
        return _decode(content, max_pixels, allow_truncated)
    try:
        decoded = upright(image, max_pixels, b"" if is_large else None, in_place=False)
        return replace(decoded, several=content if is_first else None)
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


def upright(
    image: Image.Image, max_pixels: int, content: bytes | None = None, *, in_place: bool
) -> DecodedImage:
    """The present picture of an opened file, upright by EXIF and within the limit.

    ``content`` is the file of a picture that has not been decoded yet, None of one that has.
    ``in_place`` allows ``image`` to change.

    Raises:
        ImageError: the picture is too large to be reduced.
    """
    size = image.size
    factor = factor_within(*size, max_pixels)
    if factor > 1 and content is not None:
        reduce_while_read(image, content, factor, max_pixels)
    with _DECODING.taking(image.width * image.height):
        return _decoded(image, size, factor, in_place=in_place)


def _decoded(
    image: Image.Image, size: tuple[int, int], factor: int, *, in_place: bool
) -> DecodedImage:
    """``image`` upright and reduced by ``factor``; ``size`` is that in the header of its file."""
    _load(image)
    if factor == 1:
        return DecodedImage(to_rgb(_turned_upright(image, in_place=in_place)))
    done = getattr(image, "decoderconfig", None) if image.size != size else None
    reduced = Image.fromarray(to_rgb(image, factor // (done[0] if done else 1)))
    orientation = _orientation(image)
    reduced.getexif()[_ORIENTATION] = orientation
    pixels = np.array(_turned_upright(reduced, in_place=True), np.uint8, order="C")
    size = size[::-1] if orientation in _ON_ITS_SIDE else size
    return DecodedImage(pixels, scale=factor, reduced_from=size)


def _orientation(image: Image.Image) -> int:
    with contextlib.suppress(Exception), _without_warnings():
        return int(image.getexif().get(_ORIENTATION, 1))
    return 1


def _turned_upright(image: Image.Image, *, in_place: bool) -> Image.Image:
    # Broken metadata must not lose a picture that can be decoded.
    with contextlib.suppress(Exception), _without_warnings():
        # In place, no copy is made; but a program may go on using its own image.
        if in_place:
            ImageOps.exif_transpose(image, in_place=True)
        else:
            return ImageOps.exif_transpose(image)
    return image


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
    path = Path(local_path(text))
    return read_path(as_on_disk(path), name or str(path)), str(path)


def open_picture(content: bytes) -> Image.Image:
    """Open the content of a picture file with the readers that it may need."""
    formats = readers_for(content)
    kind = picture_format(content)
    if kind == "TIFF":
        silence_libtiff()
        require_few_strips(content)
    with _without_warnings():
        try:
            image = Image.open(BoundedStream(content), formats=formats)
        except UnidentifiedImageError:
            other = other_kind(content)
            if other is None:
                raise
            raise ImageError(f"not a picture but {other}") from None
        except Image.DecompressionBombError:
            if kind is None:
                raise
            # Pillow's own limit is one of the process, so it is not raised; ours holds instead.
            reader, _ = Image.OPEN[kind]
            image = reader(BoundedStream(content), "")
    if kind == "JPEG":
        require_few_scans(content, *image.size)
    return image


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
