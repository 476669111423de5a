"""Inputs of ``predict``: files, folders, patterns, addresses, arrays, and stdin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError, UsageError
from utkage.images.decode import PictureSource, load_image
from utkage.images.discover import expand_inputs
from utkage.images.download import fetch, is_url
from utkage.images.formats import is_picture
from utkage.images.piped import Piped

STDIN = "-"
_SNIFFED_BYTES = 16


@dataclass(frozen=True)
class PictureInput:
    """One picture that has not been read yet.

    Attributes:
        name: Name in rows: the path or address as given, ``-`` for a picture on stdin, ``array``
            or ``bytes`` for those of a program.
        source: A source for ``load_image``, or an address.
        allow_download: Whether an address may be fetched.
    """

    name: str
    source: PictureSource
    allow_download: bool = False

    def load(self) -> NDArray[np.uint8]:
        """Read and decode the picture: uint8 RGB, (height, width, 3).

        Raises:
            ImageError: the picture cannot be read.
        """
        if isinstance(self.source, str) and is_url(self.source):
            if not self.allow_download:
                raise ImageError(_refusal(self.source))
            return load_image(fetch(self.source), name=self.name)
        return load_image(self.source)


def always() -> bool:
    """Readiness of inputs that are all available."""
    return True


@dataclass(frozen=True)
class Inputs:
    """Pictures to read.

    Attributes:
        pictures: The pictures, lazily.
        total: Number of pictures, or None if unknown.
        ready: Whether the next picture is available without waiting for stdin.
    """

    pictures: Iterator[PictureInput]
    total: int | None
    ready: Callable[[], bool] = always


def as_input(source: PictureSource) -> PictureInput:
    """An input for a path, bytes or an array."""
    if isinstance(source, np.ndarray):
        return PictureInput("array", source)
    if isinstance(source, bytes):
        return PictureInput("bytes", source)
    return _file(Path(source))


def open_inputs(
    inputs: Sequence[str], *, stdin: BinaryIO | None = None, allow_download: bool = False
) -> Inputs:
    """Turn names into pictures.

    Args:
        inputs: Files, folders (searched recursively), glob patterns, addresses, and ``-``: a
            picture on stdin, or a list of paths, one per line (or separated by NUL).
        stdin: Stream that ``-`` reads as needed, so an endless list of paths works.
        allow_download: Whether addresses may be fetched.

    Raises:
        UsageError: nothing to read, an empty folder, an address without permission, or ``-``
            without stdin, or twice.
    """
    if not inputs:
        raise UsageError("no picture given; name files, folders or patterns, or - for stdin")
    if list(inputs).count(STDIN) > 1:
        raise UsageError("- is given twice; stdin can be read only once")
    parts: list[Iterable[PictureInput]] = []
    total = 0
    piped: Piped | None = None
    for are_paths, names in groupby(inputs, lambda name: name != STDIN and not is_url(name)):
        if are_paths:
            # Expanded together, so that a file named twice comes once.
            files = expand_inputs(list(names))
            parts.append(map(_file, files))
            total += len(files)
            continue
        for name in names:
            if name == STDIN:
                if stdin is None:
                    raise UsageError("- needs stdin, but there is none")
                piped = Piped(stdin)
                parts.append(_from_stdin(piped, allow_download))
            elif allow_download:
                parts.append([PictureInput(name, name, allow_download)])
                total += 1
            else:
                raise UsageError(_refusal(name))
    pictures = chain.from_iterable(parts)
    return Inputs(pictures, total) if piped is None else Inputs(pictures, None, piped.ready)


def _refusal(url: str) -> str:
    return f"{url}: reading an address needs `allow_download=True`"


def _from_stdin(stdin: Piped, allow_download: bool) -> Iterator[PictureInput]:
    if is_picture(stdin.start(_SNIFFED_BYTES)):
        yield PictureInput(STDIN, stdin.whole())
        return
    listed = 0
    for line in stdin.lines():
        # The system's names are bytes; this is how Python's own path functions decode them.
        name = os.fsdecode(line)
        if is_url(name):
            yield PictureInput(name, name, allow_download)
        else:
            yield _file(Path(name))
        listed += 1
    if not listed:
        raise UsageError("stdin is empty; pipe a picture into it, or paths, one per line")


def _file(path: Path) -> PictureInput:
    # A name that is not valid text cannot be written to a terminal or a file.
    return PictureInput(str(path).encode("utf-8", "backslashreplace").decode("utf-8"), path)
