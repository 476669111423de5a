"""Pictures that programs pass: paths, contents, open files, Pillow images, arrays, and lists."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from utkage.core.errors import ImageError, UsageError
from utkage.images.contents import read_stream
from utkage.images.inputs import open_inputs
from utkage.images.picture_input import PictureInput, named_input

# Names of pictures without one.
_ARRAY, _BYTES = "array", "bytes"
_UNNAMED = re.compile(rf"({_ARRAY}|{_BYTES})((?:\[\d+\])*)")


def pictures_of(source: Any, *, bgr: bool = False) -> Iterable[PictureInput]:
    """The pictures that a program passes: one, those of a folder or pattern, or a list of these.

    With ``bgr``, arrays of colours hold blue before red, as those of OpenCV do.

    Raises:
        UsageError: another type, an empty name, or a folder without a picture.
    """
    if isinstance(source, (str, os.PathLike)):
        return open_inputs((os.fsdecode(source),)).pictures
    if _is_list(source):
        return chain.from_iterable(_of_list(source, bgr))
    return [as_input(source, bgr=bgr)]


def _of_list(source: Iterable[Any], bgr: bool) -> Iterator[Iterable[PictureInput]]:
    """The pictures of each element; names of those without one get their index, ``array[2]``."""
    for index, element in enumerate(source):
        if isinstance(element, PictureInput):
            yield [element]
            continue
        # A generator would see the next index if it were read late.
        yield map(partial(_numbered, index), pictures_of(element, bgr=bgr))


def _numbered(index: int, picture: PictureInput) -> PictureInput:
    # Elements of inner lists are numbered first: the outer index stands before theirs.
    match = _UNNAMED.fullmatch(picture.name)
    if match is None or isinstance(picture.source, (str, os.PathLike)):
        return picture
    return replace(picture, name=f"{match[1]}[{index}]{match[2]}")


def as_input(source: Any, *, bgr: bool = False) -> PictureInput:
    """One picture: a path, the content of a file, an open file, a Pillow image or an array.

    An open file is read at once, because its program may close it. ``bgr`` as in ``pictures_of``.

    Raises:
        UsageError: another type.
    """
    if isinstance(source, PictureInput):
        return source
    if isinstance(source, (str, os.PathLike)):
        return named_input(os.fsdecode(source))
    if isinstance(source, np.ndarray):
        has_colours = source.ndim == 3 and source.shape[2] in (3, 4)
        # Alpha, if there is one, stays behind the colours.
        order = [2, 1, 0, *range(3, source.shape[2])] if bgr and has_colours else None
        return PictureInput(_ARRAY, source if order is None else source[..., order])
    if isinstance(source, Image.Image):
        return PictureInput(_name_of(source, "filename", _ARRAY), source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return PictureInput(_BYTES, bytes(source))
    if callable(getattr(source, "read", None)):
        return _stream_input(source)
    raise UsageError(f"{_type_name(source)} is not a picture; {_advice(source)}")


def _stream_input(stream: Any) -> PictureInput:
    unread = PictureInput(_name_of(stream, "name", _BYTES), b"")
    try:
        return replace(unread, source=read_stream(stream))
    except ImageError as error:
        return replace(unread, problem=str(error))


def _name_of(source: Any, attribute: str, default: str) -> str:
    """The name of the file behind an object, if it has one."""
    name = getattr(source, attribute, None)
    if not isinstance(name, (str, os.PathLike)) or not os.fspath(name):
        return default
    return named_input(os.fsdecode(name)).name


def _is_list(source: Any) -> bool:
    """Whether an object stands for several pictures, and is not one that merely has elements."""
    if isinstance(source, (bytes, bytearray, memoryview, Mapping)) or hasattr(source, "read"):
        return False
    if hasattr(source, "__array__") or hasattr(source, "__dlpack__"):
        # A column of paths, such as one of pandas, but no tensor.
        kind = getattr(getattr(source, "dtype", None), "kind", None)
        return getattr(source, "ndim", None) == 1 and kind in ("O", "U")
    return isinstance(source, Iterable) and not isinstance(source, Image.Image)


def _type_name(source: Any) -> str:
    kind = type(source)
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"


def _advice(source: Any) -> str:
    if hasattr(source, "__array__") or hasattr(source, "__dlpack__"):
        return "convert it to a NumPy array of uint8 RGB (height, width, 3)"
    if isinstance(source, Mapping):
        return "give its values"
    return "give paths, bytes, open files, uint8 RGB arrays or Pillow images"
