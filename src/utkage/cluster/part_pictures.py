"""The pictures of one part, streamed from its source."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from utkage.cluster.addresses import is_address, open_source, read_address, require_allowed, size_of
from utkage.cluster.manifest import PATH_COLUMN
from utkage.cluster.parts import LINES, LONGEST_LINE, TAR, Part
from utkage.core.errors import DataError, ImageError, UsageError
from utkage.core.json_text import parse_json
from utkage.core.text import encodable
from utkage.images.containers.limits import Limits
from utkage.images.containers.parquet_pictures import RowRange, TablePictures
from utkage.images.containers.path_titles import path_title
from utkage.images.containers.tar import pictures_in_tar
from utkage.images.download import is_url
from utkage.images.picture_input import PictureInput, named_input

# Pictures at addresses that are fetched while others are predicted.
_FETCHED_AHEAD = 16
_FETCHERS = 8
# Paths that do not depend on where the manifest is.
_ABSOLUTE = re.compile(r"/|data:|[A-Za-z][A-Za-z0-9+.-]*:/")


@dataclass(frozen=True)
class Permissions:
    """What workers may read: as in ``PredictRequest``."""

    allow_download: bool = False
    allow_private: bool = False


def part_pictures(part: Part, allowed: Permissions) -> Iterator[PictureInput]:
    """The pictures of a part, in order, each once.

    A line, row or member that names no picture gives a picture with the problem.

    Raises:
        DataError: the source cannot be read.
    """
    if part.kind == TAR:
        return _members(part)
    named = _lines(part) if part.kind == LINES else _rows(part)
    opened = (_input(entry, part, allowed) for entry in named)
    return _fetched_ahead(opened)


@dataclass(frozen=True)
class _Entry:
    """One entry of a manifest: a path, or the picture itself with its name."""

    name: str
    content: bytes | None = None
    problem: str | None = None


def _lines(part: Part) -> Iterator[_Entry]:
    assert part.count is not None
    found = 0
    with open_source(part.source) as file:
        file.seek(part.start)
        while found < part.count:
            line = file.readline(LONGEST_LINE)
            if not line:
                raise DataError(f"{part.source}: is shorter than when the job began")
            if line.strip():
                yield _line_entry(line, f"{part.name}[{part.first + found}]")
                found += 1


def _line_entry(line: bytes, where: str) -> _Entry:
    try:
        value = parse_json(line, surrogates=True)
    except ValueError as error:
        return _Entry(where, problem=f"{where}: not JSON ({error}); fix that line")
    if isinstance(value, str):
        return _Entry(value)
    found = None if not isinstance(value, dict) else path_title(value)
    if found is None or not isinstance(value[found], str) or not value[found].strip():
        return _Entry(where, problem=f"{where}: has no {found or PATH_COLUMN}; fix that line")
    return _Entry(value[found])


def _rows(part: Part) -> Iterator[_Entry]:
    assert part.count is not None
    rows = RowRange(group=part.start, skip=part.skip, count=part.count, number=part.first + 1)
    count = 0
    with open_source(part.source) as file:
        for found in TablePictures(file, Limits(), part.source).pictures(rows=rows):
            count += 1
            if isinstance(found, str):
                yield _Entry(found)
            else:
                name = f"{part.name}/{encodable(found.path)}"
                yield _Entry(name, found.content, found.problem and f"{name}: {found.problem}")
    if count < part.count:
        raise DataError(f"{part.source}: is shorter than when the job began")


def _input(entry: _Entry, part: Part, allowed: Permissions) -> PictureInput:
    if entry.problem is not None:
        return PictureInput(entry.name, b"", problem=entry.problem)
    if entry.content is not None:
        return PictureInput(entry.name, entry.content)
    is_relative = not _ABSOLUTE.match(entry.name)
    name = posixpath.join(part.prefix, entry.name) if is_relative else entry.name
    address = entry.name
    if is_address(part.base) and is_relative:
        address = posixpath.join(part.base, address)
    if is_address(address) and not is_url(address):
        try:
            require_allowed(address, allowed.allow_download)
        except UsageError as error:
            return PictureInput(name, b"", problem=str(error))
        return PictureInput(name, address)
    picture = named_input(
        name,
        allow_download=allowed.allow_download,
        allow_private=allowed.allow_private,
    )
    if isinstance(picture.source, Path):
        place = Path(part.base) / entry.name if is_relative else picture.source
        return replace(picture, source=place)
    return picture


def _fetched_ahead(pictures: Iterator[PictureInput]) -> Iterator[PictureInput]:
    """The same pictures; those at addresses of file systems with their content."""
    waiting: deque[Callable[[], PictureInput]] = deque()
    with ThreadPoolExecutor(_FETCHERS) as pool:
        for picture in pictures:
            source = picture.source
            if isinstance(source, str) and is_address(source) and not is_url(source):
                future: Future[PictureInput] = pool.submit(_fetched, picture)
                waiting.append(future.result)
            elif not waiting:
                yield picture
                continue
            else:
                waiting.append(lambda picture=picture: picture)  # type: ignore[misc]
            if len(waiting) >= _FETCHED_AHEAD:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


def _fetched(picture: PictureInput) -> PictureInput:
    try:
        return replace(picture, source=read_address(str(picture.source)))
    except ImageError as error:
        return replace(picture, source=b"", problem=str(error))


def _members(part: Part) -> Iterator[PictureInput]:
    """The pictures of a tar archive, by suffix, in the order in which they are stored."""
    packed = size_of(part.source)
    with open_source(part.source) as file:
        for found in pictures_in_tar(file, part.source, Limits(), packed):
            name = f"{part.name}/{found.path}"
            problem = found.problem and f"{name}: {found.problem}"
            yield PictureInput(name, found.content, problem=problem)
