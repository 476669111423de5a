"""The work cut into parts: the same sources always give the same parts, so that they can resume."""

from __future__ import annotations

import glob
import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from utkage.cluster.addresses import (
    is_address,
    matching_addresses,
    open_source,
    require_allowed,
    size_of,
)
from utkage.cluster.manifest import LINES_SUFFIXES, TABLE_SUFFIX
from utkage.core.errors import DataError, UsageError
from utkage.images.containers.limits import Limits
from utkage.images.containers.parquet_pictures import TablePictures
from utkage.images.containers.picture_files import TAR_SUFFIXES
from utkage.images.discover import natural_key

# Where parts may begin in JSON lines, in pictures.
STEP = 20
LONGEST_LINE = 1024**2
# Parts of a small source are short, so that all workers end at about the same time.
_PARTS_PER_WORKER = 12
_LARGEST_PART = 1000
_HASH_BYTES = 1 << 20
LINES, ROWS, TAR = "lines", "rows", "tar"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Consecutive pictures of one source, whose rows form one output file.

    Attributes:
        number: Number of the part in the job, from 0.
        kind: ``"lines"`` of a manifest, ``"rows"`` of a Parquet file, or a ``"tar"`` archive.
        name: The source as the user named it.
        source: Its absolute path, or its address.
        base: Folder, or address of the folder, to which the paths of a manifest are relative.
        prefix: The same as the user named it, with which the names of such pictures begin.
        first: Index of the first picture in its source; pictures are numbered from 0.
        count: Number of pictures; None for an archive, which is read as a whole.
        start: Byte at which the lines begin, or number of the row group.
        skip: Rows of that row group that belong to earlier parts.
    """

    number: int
    kind: str
    name: str
    source: str
    base: str = ""
    prefix: str = ""
    first: int = 0
    count: int | None = None
    start: int = 0
    skip: int = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source that has been looked through once.

    Attributes:
        name: As the user named it.
        location: Absolute path, or address.
        base: As in ``Part``; empty for that of ``location``.
        kind: As in ``Part``.
        fingerprint: Hex digits that change with the list of pictures; of an archive, its size.
        count: Number of pictures; None for an archive.
        starts: Where pictures begin: of lines, the byte of every ``STEP``th; of rows, the number of
            pictures in each row group.
    """

    name: str
    location: str
    kind: str
    fingerprint: str
    base: str = ""
    count: int | None = None
    starts: tuple[int, ...] = ()


def open_sources(names: Sequence[str], *, allow_download: bool = False) -> list[Source]:
    """Look through manifests and archives, and find where their pictures begin.

    Memory grows by a few bytes per ``STEP`` pictures.

    Raises:
        UsageError: nothing is named, an unknown kind, no such file, or an address without
            permission.
        DataError: a manifest that cannot be read, or without pictures.
    """
    if not names:
        raise UsageError("no source given; name manifests, tar archives or a folder")
    return [
        _opened(name, location)
        for given in names
        for name, location in _locations(given, allow_download)
    ]


def cut(sources: Sequence[Source], pictures: int) -> list[Part]:
    """The parts of all sources, of at most ``pictures`` pictures (a multiple of ``STEP``)."""
    unnumbered = [part for source in sources for part in _parts(source, pictures)]
    return [replace(part, number=number) for number, part in enumerate(unnumbered)]


def part_size(sources: Sequence[Source], workers: int) -> int:
    """A size for ``cut`` that gives every worker some parts, and large jobs large parts."""
    total = sum(source.count or 0 for source in sources)
    wanted = total // (_PARTS_PER_WORKER * workers)
    return min(_LARGEST_PART, max(STEP, wanted // STEP * STEP))


def _locations(given: str, allow_download: bool) -> list[tuple[str, str]]:
    """Names and locations of the files that an input stands for."""
    if is_address(given):
        require_allowed(given, allow_download)
        found = matching_addresses(given) if "*" in given else [given]
        return [(name, name) for name in found]
    path = Path(given)
    if path.is_file():
        return [(given, str(path.resolve()))]
    found = sorted(glob.glob(given, recursive=True), key=natural_key)  # noqa: PTH207
    if not found:
        raise UsageError(f"{given}: no such file, and no pattern that matches one")
    return [(name, str(Path(name).resolve())) for name in found if Path(name).is_file()]


def _opened(name: str, location: str) -> Source:
    lower = location.lower()
    if lower.endswith(LINES_SUFFIXES):
        return _open_lines(name, location)
    if lower.endswith(TABLE_SUFFIX):
        return _open_rows(name, location)
    if lower.endswith(TAR_SUFFIXES):
        return Source(name=name, location=location, kind=TAR, fingerprint=f"{size_of(location):x}")
    raise UsageError(
        f"{name}: `cluster` reads manifests (.jsonl, .parquet), tar archives and folders; write a "
        "manifest with 'utkage manifest FOLDER'"
    )


def _open_lines(name: str, location: str) -> Source:
    starts: list[int] = []
    count = position = number = 0
    digest = hashlib.sha256()
    with open_source(location) as file:
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            number += 1
            if len(line) == LONGEST_LINE:
                raise DataError(f"{name}, line {number}: too long for the line of a manifest")
            if line.strip():
                if count % STEP == 0:
                    starts.append(position)
                count += 1
            digest.update(line)
            position += len(line)
    if not count:
        raise DataError(f"{name}: lists no picture; write it with 'utkage manifest FOLDER'")
    return Source(
        name=name,
        location=location,
        kind=LINES,
        fingerprint=digest.hexdigest()[:16],
        count=count,
        starts=tuple(starts),
    )


def _open_rows(name: str, location: str) -> Source:
    with open_source(location) as file:
        groups = TablePictures(file, Limits(), name).groups
        file.seek(max(0, size_of(location) - _HASH_BYTES))
        # The end of the file describes all of it.
        fingerprint = hashlib.sha256(file.read()).hexdigest()[:16]
    if not sum(groups):
        raise DataError(f"{name}: lists no picture; write it with 'utkage manifest FOLDER'")
    return Source(
        name=name,
        location=location,
        kind=ROWS,
        fingerprint=fingerprint,
        count=sum(groups),
        starts=groups,
    )


def _parts(source: Source, pictures: int) -> Iterator[Part]:
    part = Part(
        number=0,
        kind=source.kind,
        name=source.name,
        source=source.location,
        base=source.base or posixpath.dirname(source.location),
        prefix="" if source.base else posixpath.dirname(source.name),
    )
    if source.kind == LINES:
        assert source.count is not None
        for first in range(0, source.count, pictures):
            count = min(pictures, source.count - first)
            yield replace(part, first=first, count=count, start=source.starts[first // STEP])
        return
    if source.kind == TAR:
        yield part
        return
    first = 0
    for group, rows in enumerate(source.starts):
        for skip in range(0, rows, pictures):
            count = min(pictures, rows - skip)
            yield replace(part, first=first + skip, count=count, start=group, skip=skip)
        first += rows
