"""Finding and reading the label files of a source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from utkage.core.errors import DataError, UsageError
from utkage.data.label_files.delimited import HeaderMissingError
from utkage.data.label_files.further_columns import FurtherColumns
from utkage.data.label_files.read import LabelFile, read_label_file
from utkage.data.label_files.registry import SUFFIXES
from utkage.data.label_files.row import Row
from utkage.data.names.registry import recognise_grammar
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.picture_paths import PicturePaths, Place, count_names
from utkage.images.containers.container import (
    Container,
    clean_path,
    is_hidden,
    is_picture_path,
    top_folder,
)

# Label files with these names, at the top, are used whatever the pictures are called.
NAMES = ("labels.csv", "labels.jsonl")
# Suffixes that notes never have; such a file is an error if its columns are not understood.
_TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".mat")
# Largest number of files that are searched for labels, and of folders above them.
_MAX_TABLES = 60
_MAX_DEPTH = 3
# A table with pictures may be this many times as large as one picture.
_PICTURES_PER_TABLE = 32


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """A parsed label file and its place.

    Attributes:
        name: Name for messages.
        place: Where its paths start.
        rows: All rows, valid or not.
        notes: Sentences for the user.
        further: The columns that are kept beside the labels.
        digest: SHA-256 (hex) of the file if it is outside of the container, else None.
    """

    name: str
    place: Place
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    further: FurtherColumns = field(default_factory=FurtherColumns)
    digest: str | None = None


def read_label_tables(
    container: Container, options: SourceOptions, paths: PicturePaths
) -> tuple[LabelTable, ...]:
    """The label file that the user named, or those of the container; empty if there are none.

    Raises:
        UsageError: the named file does not exist.
        DataError: a label file cannot be read or is not understood, or the container is damaged.
    """
    if options.labels is not None:
        return (_named_table(options.labels, container, options, paths),)
    present = set(container.paths())
    for folder in dict.fromkeys(("", top_folder(container.paths()))):
        for name in NAMES:
            path = f"{folder}/{name}" if folder else name
            if path in present and (table := _inner_table(path, container, options, paths)):
                return (table,)
    pictures = [path for path in container.paths() if is_picture_path(path)]
    grammar = recognise_grammar(pictures, allow_missing_race=options.allow_missing_race)
    if grammar is not None and grammar.is_complete:
        return ()
    return _found_tables(container, options, paths)


def _found_tables(
    container: Container, options: SourceOptions, paths: PicturePaths
) -> tuple[LabelTable, ...]:
    """The files in the container that label at least one of its pictures."""
    tables: list[LabelTable] = []
    failure: DataError | None = None
    for path in _candidates(container.paths()):
        try:
            table = _inner_table(path, container, options, paths)
        except DataError as error:
            if path.lower().endswith(_TABLE_SUFFIXES) or isinstance(error, HeaderMissingError):
                failure = failure or error
            continue
        if table is not None and _labels_pictures(table, paths):
            tables.append(table)
    if not tables and failure is not None:
        raise failure
    return tuple(tables)


def _candidates(paths: Sequence[str]) -> Iterator[str]:
    tables = [
        path
        for path in paths
        if path.lower().endswith(SUFFIXES) and not is_hidden(path) and path.count("/") <= _MAX_DEPTH
    ]
    yield from sorted(tables, key=lambda path: (path.count("/"), path))[:_MAX_TABLES]


def _labels_pictures(table: LabelTable, paths: PicturePaths) -> bool:
    row_names = count_names(table.rows)
    return any(
        row.picture is not None or paths.find(row, table.place, row_names) is not None
        for row in table.rows
        if row.path
    )


def _inner_table(
    path: str, container: Container, options: SourceOptions, paths: PicturePaths
) -> LabelTable | None:
    """A label file of the container; None if there is no such file."""
    content = container.read(path, options.limits.max_entry_bytes * _PICTURES_PER_TABLE)
    if content is None:
        return None
    folder = path.rpartition("/")[0]
    on_disk = container.path / folder if container.path.is_dir() else None
    place = Place(folder, on_disk)
    found = _read(content, f"{container.path}: {path}", options, paths, place)
    _check_size(content, found, f"{container.path}: {path}", options)
    return _table(path.rpartition("/")[2], place, found)


def _named_table(
    path: Path, container: Container, options: SourceOptions, paths: PicturePaths
) -> LabelTable:
    """The label file that the user named."""
    if not path.is_file():
        raise UsageError(
            f"{path}: no such manifest; give a CSV or JSONL file with path,age,gender, or another "
            "label file of a known data set, such as FairFace"
        )
    limit = options.limits.max_entry_bytes * _PICTURES_PER_TABLE
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    folder = top_folder(container.paths())
    if container.path.is_dir() and path.resolve().is_relative_to(container.path.resolve()):
        # A label file inside the folder: its paths are relative to its own place.
        parent = path.resolve().relative_to(container.path.resolve()).parent
        folder = clean_path(parent.as_posix())
    place = Place(folder, path.resolve().parent)
    found = _read(content, str(path), options, paths, place)
    _check_size(content, found, str(path), options)
    digest = hashlib.sha256(content).hexdigest()
    return replace(_table(path.name, place, found), digest=digest)


def _table(name: str, place: Place, found: LabelFile) -> LabelTable:
    return LabelTable(
        name=name, place=place, rows=found.rows, notes=found.notes, further=found.further
    )


def _read(
    content: bytes, name: str, options: SourceOptions, paths: PicturePaths, place: Place
) -> LabelFile:
    is_there = _finder(paths, place)
    return read_label_file(content, name, options.settings, is_there)


def _finder(paths: PicturePaths, place: Place) -> Callable[[str], bool]:
    def is_there(path: str) -> bool:
        return bool(path) and paths.find(Row(line=0, path=path), place) is not None

    return is_there


def _check_size(content: bytes, found: LabelFile, name: str, options: SourceOptions) -> None:
    """Refuse files that are larger than one picture may be, unless they contain pictures."""
    limit = options.limits.max_entry_bytes
    if len(content) > limit and not any(row.picture is not None for row in found.rows):
        raise DataError(f"{name}: over {limit} bytes; if you trust it, raise `max_entry_bytes`")
