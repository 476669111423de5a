"""Pictures that programs pass: paths, contents, open files, Pillow images, arrays, and lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from utkage.core.errors import ImageError, UsageError
from utkage.images.contents import read_stream
from utkage.images.inputs import PictureInput, named_input, open_inputs


def pictures_of(source: Any) -> Iterable[PictureInput]:
    """The pictures that a program passes: one, those of a folder or pattern, or a list of these.

    Raises:
        UsageError: another type, an empty name, or a folder without a picture.
    """
    if isinstance(source, (str, os.PathLike)):
        return open_inputs((os.fsdecode(source),)).pictures
    if _is_list(source):
        return chain.from_iterable(map(pictures_of, source))
    return [as_input(source)]


def as_input(source: Any) -> PictureInput:
    """One picture: a path, the content of a file, an open file, a Pillow image or an array.

    An open file is read at once, because its program may close it.

    Raises:
        UsageError: another type.
    """
    if isinstance(source, (str, os.PathLike)):
        return named_input(os.fsdecode(source))
    if isinstance(source, np.ndarray):
        return PictureInput("array", source)
    if isinstance(source, Image.Image):
        return PictureInput(_name_of(source, "filename", "array"), source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return PictureInput("bytes", bytes(source))
    if callable(getattr(source, "read", None)):
        return _stream_input(source)
    raise UsageError(f"{_type_name(source)} is not a picture; {_advice(source)}")


def _stream_input(stream: Any) -> PictureInput:
    unread = PictureInput(_name_of(stream, "name", "bytes"), b"")
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
