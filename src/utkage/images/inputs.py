"""Inputs of ``predict``: files, folders, patterns, addresses, and stdin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import DataError, ImageError, UsageError
from utkage.core.text import counted, encodable
from utkage.images.addresses import data_name, is_data_uri, is_file_url, local_path
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.picture_files import is_parquet, is_picture_archive, pictures_in
from utkage.images.contents import require_size
from utkage.images.decode import DecodedImage, PictureSource, decode_image
from utkage.images.discover import FileList, FoundFile, list_inputs
from utkage.images.download import fetch, is_url
from utkage.images.folders import as_on_disk
from utkage.images.formats import SIGNATURE_BYTES, is_picture
from utkage.images.other_shards import OtherShards
from utkage.images.piped import Piped
from utkage.images.reduction import MAX_PIXELS
from utkage.images.shards import Shard
from utkage.images.video import is_video, needs_download
from utkage.images.video_formats import SIGNATURE_BYTES as VIDEO_SIGNATURE_BYTES
from utkage.images.video_formats import is_video_content

STDIN = "-"
WHOLE = Shard(0, 1)
"""All files."""
LIMITS = Limits(max_total_bytes=16 * 1024**4)
"""Bounds for archives. Nothing is kept of what is predicted, so only its sum may be large."""
_EMPTY_NAME = "an empty name is given (an unset variable?); name files, folders or patterns"


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
                raise ImageError(_refusal(source))
            source = fetch(source, allow_private=self.allow_private)
        return decode_image(source, max_pixels=max_pixels, name=self.name, allow_truncated=True)


def always() -> bool:
    """``ready`` for inputs that are all available."""
    return True


@dataclass(frozen=True)
class Inputs:
    """Pictures to read.

    Attributes:
        pictures: The pictures, lazily.
        total: Number of pictures, or None if unknown, as in archives.
        ready: Whether the next picture is available without waiting for stdin.
        files: The files among the pictures, and the number of the open file that stdin is.
        listed: Whether stdin or Parquet may list more files.
        videos: Paths and addresses of videos, if they are wanted. Further ones, whose names do not
            show what they are, are among the pictures (``PictureInput.is_video``).
        others: Which names are of other shards; None without shards, or if files are listed.
    """

    pictures: Iterator[PictureInput]
    total: int | None
    ready: Callable[[], bool] = always
    files: tuple[Path | int, ...] = ()
    listed: bool = False
    videos: tuple[Path | str, ...] = ()
    others: OtherShards | None = None


def _ignore(note: str) -> None:
    """Do nothing about what is skipped."""


def open_inputs(
    inputs: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    allow_download: bool = False,
    allow_private: bool = False,
    follow_links: bool = True,
    videos: bool = False,
    shard: Shard = WHOLE,
    limits: Limits = LIMITS,
    on_skipped: Callable[[str], None] = _ignore,
) -> Inputs:
    """Turn names into pictures.

    Args:
        inputs: Files, folders (searched recursively), glob patterns, addresses, and ``-``: a
            picture on stdin, or a list of paths, one per line (or separated by NUL). Archives and
            Parquet files that are named, listed or match a pattern stand for their pictures, which
            are called ``shard.tar/path/in/it.jpg``.
        stdin: Stream that ``-`` reads as needed, so an endless list of paths works.
        allow_download: Whether addresses may be fetched.
        allow_private: Whether their redirects may lead to places that are not public.
        follow_links: Whether linked folders in folders are entered, each once.
        videos: Whether videos are wanted as well; otherwise those in folders and patterns are
            skipped, and those that are named are pictures with a problem.
        shard: The shard whose files are wanted. The path relative to each input, or as it is
            listed, decides; for an archive that is named, its file name and the path in it.
        limits: Upper bounds for each archive or Parquet file.
        on_skipped: Receives a line on what is skipped in folders, and later in each archive.

    Raises:
        UsageError: nothing to read, an empty folder, an address without permission, or ``-``
            without stdin, or twice.
    """
    _require_names(inputs)
    inputs = list(map(local_path, inputs))
    named = partial(named_input, allow_download=allow_download, allow_private=allow_private)
    gathered = _Gathered(_Opened(named, shard, limits, videos, on_skipped), allow_download)
    for are_paths, names in groupby(inputs, _is_path):
        if are_paths:
            # Expanded together, so that a file named twice comes once.
            gathered.add_files(list_inputs(list(names), follow_links=follow_links, videos=videos))
            continue
        for name in names:
            if name == STDIN:
                gathered.add_stdin(stdin)
            else:
                gathered.add_address(name)
    return gathered.inputs()


def _require_names(inputs: Sequence[str]) -> None:
    if not inputs:
        raise UsageError("no picture given; name files, folders or patterns, or - for stdin")
    if list(inputs).count(STDIN) > 1:
        raise UsageError("- is given twice; stdin can be read only once")
    if not all(name.strip() for name in inputs):
        raise UsageError(_EMPTY_NAME)


def _refusal(url: str) -> str:
    return f"{url}: reading an address needs `allow_download=True`"


@dataclass(frozen=True)
class _Opened:
    """From files, archives and lists of paths to the pictures of a shard."""

    named: Callable[[str], PictureInput]
    shard: Shard
    limits: Limits
    videos: bool
    on_skipped: Callable[[str], None]

    def may_have(self, file: FoundFile) -> bool:
        """Whether a file is of the shard, or may hold pictures that are."""
        return self.shard == WHOLE or file.is_archive or self.shard.holds(file.key)

    def files(self, files: Iterable[FoundFile]) -> Iterator[PictureInput]:
        """Yield the files, and the pictures in archives among them."""
        for file in files:
            if file.is_archive:
                yield from self._in_archive(file)
            else:
                yield _file(file.path, file.problem)

    def _in_archive(self, file: FoundFile) -> Iterator[PictureInput]:
        """Yield the pictures in an archive, or the reason why they, or the rest, cannot be read."""
        name, is_path_of_shard = encodable(str(file.path)), self.shard.holds

        def is_wanted(inner: str) -> bool:
            return self.shard.holds(f"{file.key}/{inner}")

        videos: list[str] = []
        try:
            for found in pictures_in(
                file.path, self.limits, is_wanted, is_path_of_shard, on_video=videos.append
            ):
                if isinstance(found, RawFile):
                    inner = f"{name}/{encodable(found.path)}"
                    problem = found.problem and f"{inner}: {found.problem}"
                    yield PictureInput(inner, found.content, problem=problem)
                else:
                    yield self.named(_beside(file.path, found))
        except (DataError, OSError) as error:
            if self.shard.holds(file.key):
                reason = str(error) if isinstance(error, DataError) else f"{name}: {error.strerror}"
                yield PictureInput(name, b"", problem=encodable(reason))
        packed = [f"{name}/{encodable(inner)}" for inner in videos if is_wanted(inner)]
        if packed and not self.videos:
            rest = ", ..." if len(packed) > 1 else ""
            self.on_skipped(f"skipped {counted(len(packed), 'video')} ({packed[0]}{rest})")
            return
        for video in packed:
            problem = f"{video}: is a video in an archive; unpack it and name the file"
            yield PictureInput(video, b"", problem=problem, is_video=True)

    def from_stdin(self, stdin: Piped) -> Iterator[PictureInput]:
        """Yield the picture on stdin, or those that it lists."""
        if is_picture(stdin.start(SIGNATURE_BYTES)):
            content = stdin.whole()
            problem = None
            try:
                require_size(len(content), STDIN)
            except ImageError as error:
                content, problem = b"", str(error)
            if self.shard.holds(STDIN):
                yield PictureInput(STDIN, content, problem=problem)
            return
        if is_video_content(stdin.start(VIDEO_SIGNATURE_BYTES)):
            problem = f"{STDIN}: is a video; save it to a file and name it"
            if self.shard.holds(STDIN):
                yield PictureInput(STDIN, b"", problem=problem)
            return
        listed = False
        for line in stdin.lines():
            # The system's names are bytes; this is how Python's own path functions decode them.
            name = os.fsdecode(line)
            if not name.strip():
                continue
            listed = True
            if _is_path(name) and is_picture_archive(path := as_on_disk(Path(local_path(name)))):
                yield from self._in_archive(FoundFile(path, is_archive=True))
            elif self.shard.holds(name):
                yield self.named(name)
        if not listed:
            raise UsageError("stdin is empty; pipe a picture into it, or paths, one per line")


class _Gathered:
    """The inputs of a command, gathered one after the other.

    Args:
        opened: Opens files, archives and lists.
        allow_download: Whether addresses may be fetched.
    """

    def __init__(self, opened: _Opened, allow_download: bool) -> None:
        self._opened, self._allow_download = opened, allow_download
        self._parts: list[Iterable[PictureInput]] = []
        self._total = 0
        self._found: list[FoundFile] = []
        self._stdin: list[int] = []
        self._videos: list[Path | str] = []
        self._piped: Piped | None = None
        self._has_archives = self._lists_files = False

    def add_files(self, found: FileList) -> None:
        """Add the files of paths, folders and patterns that are of the shard."""
        own = [file for file in found.files if self._opened.may_have(file)]
        self._parts.append(self._opened.files(own))
        archives = [file.path for file in own if file.is_archive]
        self._has_archives |= bool(archives)
        self._lists_files |= any(map(is_parquet, archives))
        self._total += len(own)
        # No output may replace the files of other shards either.
        self._found.extend((*found.files, *found.videos))
        self._videos.extend(file.path for file in found.videos if self._opened.may_have(file))
        if found.note:
            self._opened.on_skipped(found.note)

    def add_stdin(self, stdin: BinaryIO | None) -> None:
        """Add the picture or the list on stdin."""
        if stdin is None:
            raise UsageError("- needs stdin, which is closed; pipe a picture or paths into it")
        self._piped = Piped(stdin)
        with suppress(OSError, AttributeError):
            self._stdin.append(stdin.fileno())
        self._parts.append(self._opened.from_stdin(self._piped))

    def add_address(self, name: str) -> None:
        """Add a ``data:`` URI or an address."""
        if needs_download(name) and not self._allow_download:
            raise UsageError(_refusal(name))
        if not self._opened.shard.holds(name):
            return
        if self._opened.videos and needs_download(name) and is_video(name):
            self._videos.append(name)
        else:
            self._parts.append([self._opened.named(name)])
            self._total += 1

    def inputs(self) -> Inputs:
        """All of them."""
        piped, shard = self._piped, self._opened.shard
        is_listed = piped is not None or self._lists_files
        return Inputs(
            chain.from_iterable(self._parts),
            self._total if piped is None and not self._has_archives else None,
            always if piped is None else piped.ready,
            (*(file.path for file in self._found), *self._stdin),
            listed=is_listed,
            videos=tuple(self._videos),
            others=None if is_listed or shard == WHOLE else OtherShards(shard, self._found),
        )


def named_input(
    name: str, *, allow_download: bool = False, allow_private: bool = False
) -> PictureInput:
    """The picture of a path, of a ``file:`` URL, of an address, or inside a ``data:`` URI.

    ``allow_download`` and ``allow_private`` are those of ``PictureInput``.

    Raises:
        UsageError: the name is empty.
    """
    if not name.strip():
        raise UsageError(_EMPTY_NAME)
    if is_data_uri(name):
        return PictureInput(data_name(name), name)
    if needs_download(name) and not allow_download:
        # Without the address, nothing that follows can open it.
        return PictureInput(name, b"", problem=_refusal(name), is_video=is_video(name))
    if needs_download(name):
        return _video_or(PictureInput(name, name, allow_download, None, allow_private))
    return _file(Path(local_path(name)))


def _beside(file: Path, name: str) -> str:
    """A name that is listed in a file; a relative path starts at the folder of the file."""
    return str(file.parent / name) if _is_path(name) and not is_file_url(name) else name


def _is_path(name: str) -> bool:
    return name != STDIN and not needs_download(name) and not is_data_uri(name)


def _file(path: Path, problem: str | None = None) -> PictureInput:
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
