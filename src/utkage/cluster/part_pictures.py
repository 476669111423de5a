"""The pictures of one part, streamed from its source."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from utkage.cluster.addresses import is_address, open_source, read_address, require_allowed, size_of
from utkage.cluster.manifest import PATH_COLUMN
from utkage.cluster.parts import LINES, LONGEST_LINE, TAR, Part
from utkage.core.errors import DataError, ImageError, UsageError
from utkage.core.json_text import parse_json
from utkage.images.containers.limits import Limits
from utkage.images.containers.parquet_pictures import is_picture_column
from utkage.images.containers.tar import pictures_in_tar
from utkage.images.download import is_url
from utkage.images.inputs import PictureInput, named_input

# Names of the column with the paths, the first one that is there.
PATH_COLUMNS = (PATH_COLUMN, "file", "file_name")
# Pictures at addresses that are fetched while others are predicted.
_FETCHED_AHEAD = 16
_FETCHERS = 8
_ROWS = 64
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


def picture_columns(schema: Any, name: str) -> tuple[str | None, str | None]:
    """Names of the column with paths and of that with pictures, either of which may be missing.

    Raises:
        DataError: there is neither.
    """
    paths = next((column for column in PATH_COLUMNS if column in schema.names), None)
    pictures = next((field.name for field in schema if is_picture_column(field.type)), None)
    if paths is None and pictures is None:
        raise DataError(
            f"{name}: has no column of pictures, and none of {', '.join(PATH_COLUMNS)}; its "
            f"columns are {', '.join(schema.names[:8])}"
        )
    return paths, pictures


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
    found = next((key for key in PATH_COLUMNS if isinstance(value, dict) and key in value), None)
    if found is None or not isinstance(value[found], str) or not value[found].strip():
        return _Entry(where, problem=f"{where}: has no {PATH_COLUMN}; fix that line")
    return _Entry(value[found])


def _rows(part: Part) -> Iterator[_Entry]:
    from pyarrow import parquet

    assert part.count is not None
    with open_source(part.source) as file:
        table = parquet.ParquetFile(file)
        paths, pictures = picture_columns(table.schema_arrow, part.source)
        columns = [column for column in (paths, pictures) if column is not None]
        row = 0
        last = part.skip + part.count
        batches = table.iter_batches(batch_size=_ROWS, row_groups=[part.start], columns=columns)
        for batch in batches:
            # Rows of earlier parts are not turned into Python objects.
            begin, end = max(part.skip - row, 0), min(last - row, batch.num_rows)
            if begin < end:
                for place, values in enumerate(batch.slice(begin, end - begin).to_pylist(), begin):
                    where = f"{part.name}[{part.first + row + place - part.skip}]"
                    yield _row_entry(values, paths, pictures, where)
            row += batch.num_rows
            if row >= last:
                return
    raise DataError(f"{part.source}: is shorter than when the job began")


def _row_entry(
    values: dict[str, Any], paths: str | None, pictures: str | None, where: str
) -> _Entry:
    name = values[paths] if paths is not None else None
    if pictures is None:
        if not isinstance(name, str) or not name.strip():
            return _Entry(where, problem=f"{where}: has no {paths}; fix that row")
        return _Entry(name)
    picture = values[pictures]
    content, inner = picture, None
    if isinstance(picture, dict):
        content, inner = picture.get("bytes"), picture.get("path")
    name = name or inner or where
    return _Entry(str(name), content=content or b"")


def _input(entry: _Entry, part: Part, allowed: Permissions) -> PictureInput:
    if entry.problem is not None:
        return PictureInput(entry.name, b"", problem=entry.problem)
    if entry.content is not None:
        return PictureInput(entry.name, entry.content)
    address = entry.name
    if is_address(part.base) and not _ABSOLUTE.match(address):
        address = posixpath.join(part.base, address)
    if is_address(address) and not is_url(address):
        try:
            require_allowed(address, allowed.allow_download)
        except UsageError as error:
            return PictureInput(entry.name, b"", problem=str(error))
        return PictureInput(entry.name, address)
    picture = named_input(
        entry.name,
        allow_download=allowed.allow_download,
        allow_private=allowed.allow_private,
    )
    if isinstance(picture.source, Path):
        return replace(picture, source=Path(part.base) / picture.source)
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
