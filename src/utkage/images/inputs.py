"""Inputs of ``predict``: files, folders, patterns, addresses, and stdin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO

from utkage.core.errors import DataError, ImageError, UsageError
from utkage.core.outputs import file_identity
from utkage.core.text import counted, encodable
from utkage.images.addresses import is_file_url, local_path
from utkage.images.containers.container import RawFile
from utkage.images.containers.limits import Limits
from utkage.images.containers.picture_files import is_parquet, is_picture_archive, pictures_in
from utkage.images.contents import require_size
from utkage.images.discover import FileList, FoundFile, list_inputs
from utkage.images.folders import as_on_disk
from utkage.images.formats import SIGNATURE_BYTES, is_picture
from utkage.images.other_shards import OtherShards
from utkage.images.picture_input import (
    EMPTY_NAME,
    STDIN,
    PictureInput,
    file_input,
    is_path,
    named_input,
    refusal_of,
)
from utkage.images.piped import Piped
from utkage.images.shards import Shard
from utkage.images.video import is_video, needs_download
from utkage.images.video_formats import SIGNATURE_BYTES as VIDEO_SIGNATURE_BYTES
from utkage.images.video_formats import is_video_content

WHOLE = Shard(0, 1)
"""All files."""
LIMITS = Limits(max_total_bytes=16 * 1024**4)
"""Bounds for archives. Nothing is kept of what is predicted, so only its sum may be large."""


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
    outputs: Sequence[Path] = (),
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
        outputs: Files that the caller writes; those that exist must not be inputs.
        shard: The shard whose files are wanted. The path relative to each input, or as it is
            listed, decides; for an archive that is named, its file name and the path in it.
        limits: Upper bounds for each archive or Parquet file.
        on_skipped: Receives a line on what is skipped in folders, and later in each archive.

    Raises:
        UsageError: nothing to read, an empty folder, an address without permission, an output that
            is an input (of those that are listed, when it is its turn), or ``-`` without stdin, or
            twice.
    """
    _require_names(inputs)
    inputs = list(map(local_path, inputs))
    named = partial(named_input, allow_download=allow_download, allow_private=allow_private)
    opened = _Opened(named, shard, limits, videos, tuple(outputs), on_skipped)
    gathered = _Gathered(opened, allow_download)
    for are_paths, names in groupby(inputs, is_path):
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
        raise UsageError(EMPTY_NAME)


@dataclass
class _Opened:
    """From files, archives and lists of paths to the pictures of a shard."""

    named: Callable[[str], PictureInput]
    shard: Shard
    limits: Limits
    videos: bool
    outputs: tuple[Path, ...]
    on_skipped: Callable[[str], None]

    @cached_property
    def _written(self) -> dict[tuple[int, int] | None, Path]:
        """The outputs that exist before anything is written."""
        known = {file_identity(path): path for path in self.outputs}
        return {identity: path for identity, path in known.items() if identity is not None}

    def require_other(self, file: Path) -> None:
        """Refuse an input that is an output.

        Raises:
            UsageError: names the output.
        """
        if self._written and (identity := file_identity(file)) in self._written:
            raise UsageError(
                f"`out` {self._written[identity]}: is an input of this command; name another file"
            )

    def others(self, pictures: Iterable[PictureInput]) -> Iterator[PictureInput]:
        """The pictures, as long as none of them is an output.

        Raises:
            UsageError: one is.
        """
        for picture in pictures:
            if isinstance(picture.source, Path):
                self.require_other(picture.source)
            yield picture

    def may_have(self, file: FoundFile) -> bool:
        """Whether a file is of the shard, or may hold pictures that are."""
        return self.shard == WHOLE or file.is_archive or self.shard.holds(file.key)

    def files(self, files: Iterable[FoundFile]) -> Iterator[PictureInput]:
        """Yield the files, and the pictures in archives among them."""
        for file in files:
            if file.is_archive:
                yield from self._in_archive(file)
            else:
                yield file_input(file.path, file.problem)

    def _in_archive(self, file: FoundFile) -> Iterator[PictureInput]:
        """Yield the pictures in an archive, or the reason why they, or the rest, cannot be read."""
        name, is_path_of_shard = encodable(str(file.path)), self.shard.holds
        self.require_other(file.path)

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
            # All shards find the same damage, but a disk or a network may fail in one of them.
            if self.shard.holds(file.key) or _is_of_system(error):
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
            if is_path(name) and is_picture_archive(path := as_on_disk(Path(local_path(name)))):
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
        for path in (*archives, *(file.path for file in found.videos)):
            self._opened.require_other(path)
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
            raise UsageError(refusal_of(name))
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
            self._opened.others(chain.from_iterable(self._parts)),
            self._total if piped is None and not self._has_archives else None,
            always if piped is None else piped.ready,
            (*(file.path for file in self._found), *self._stdin),
            listed=is_listed,
            videos=tuple(self._videos),
            others=None if is_listed or shard == WHOLE else OtherShards(shard, self._found),
        )


def _beside(file: Path, name: str) -> str:
    """A name that is listed in a file; a relative path starts at the folder of the file."""
    return str(file.parent / name) if is_path(name) and not is_file_url(name) else name


def _is_of_system(error: BaseException) -> bool:
    """Whether the operating system could not read a file; packages raise ``OSError`` as well."""
    cause = error.__cause__ if isinstance(error, DataError) else error
    return isinstance(cause, OSError) and cause.errno is not None
