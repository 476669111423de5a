"""One picture that ``predict`` is to read: a file, an address, or bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError, UsageError
from utkage.core.text import encodable
from utkage.images.addresses import data_name, is_data_uri, local_path
from utkage.images.decode import DecodedImage, PictureSource, decode_image
from utkage.images.download import fetch, is_url
from utkage.images.reduction import MAX_PIXELS
from utkage.images.video import is_video, needs_download

STDIN = "-"
EMPTY_NAME = "an empty name is given (an unset variable?); name files, folders or patterns"


@dataclass(frozen=True)
class PictureInput:
    """One picture that has not been read yet.

    Attributes:
        name: Name in rows: the path or address as given, ``-`` for a picture on stdin, ``array``
            or ``bytes`` for those of a program without a name.
        source: A source for ``load_image``, or an address.
        allow_download: Whether an address may be fetched.
        problem: Why the picture cannot be read, if that is known already; or None.
        allow_private: Whether the redirects of an address may lead to places that are not public.
        is_video: Whether it is a video instead of a picture; ``problem`` says so then.
    """

    name: str
    source: PictureSource
    allow_download: bool = False
    problem: str | None = None
    allow_private: bool = False
    is_video: bool = False

    def load(self, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        """Read and decode the picture: uint8 RGB, (height, width, 3).

        Raises:
            ImageError: the picture cannot be read.
        """
        return self.decode(max_pixels).pixels

    def decode(self, max_pixels: int = MAX_PIXELS) -> DecodedImage:
        """Read and decode the picture; ``max_pixels`` as in ``load_image``.

        Raises:
            ImageError: the picture cannot be read.
        """
        if self.problem is not None:
            raise ImageError(self.problem)
        source = self.source
        if isinstance(source, str) and is_url(source):
            if not self.allow_download:
                raise ImageError(refusal_of(source))
            source = fetch(source, allow_private=self.allow_private)
        return decode_image(source, max_pixels=max_pixels, name=self.name, allow_truncated=True)


def named_input(
    name: str, *, allow_download: bool = False, allow_private: bool = False
) -> PictureInput:
    """The picture of a path, of a ``file:`` URL, of an address, or inside a ``data:`` URI.

    ``allow_download`` and ``allow_private`` are those of ``PictureInput``.

    Raises:
        UsageError: the name is empty.
    """
    if not name.strip():
        raise UsageError(EMPTY_NAME)
    if is_data_uri(name):
        return PictureInput(data_name(name), name)
    if needs_download(name):
        if not allow_download:
            # Without the address, nothing that follows can open it.
            return PictureInput(name, b"", problem=refusal_of(name), is_video=is_video(name))
        return _video_or(PictureInput(name, name, allow_download, None, allow_private))
    return file_input(Path(local_path(name)))


def refusal_of(url: str) -> str:
    """Why an address is not read."""
    return f"{url}: reading an address needs `allow_download=True`"


def is_path(name: str) -> bool:
    """Whether a name is that of a file or folder, or a pattern."""
    return name != STDIN and not needs_download(name) and not is_data_uri(name)


def file_input(path: Path, problem: str | None = None) -> PictureInput:
    """The picture of a file."""
    # A name that is not valid text cannot be written to a terminal or a file.
    name = encodable(str(path))
    if problem:
        return PictureInput(name, path, problem=encodable(problem))
    return _video_or(PictureInput(name, path))


def _video_or(picture: PictureInput) -> PictureInput:
    """The picture, or what is known of it if its name or content is that of a video."""
    if not is_video(picture.name):
        return picture
    problem = f"{picture.name}: is a video, not a picture; use predict_inputs or predict_videos"
    return replace(picture, problem=problem, is_video=True)
