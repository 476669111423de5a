"""Parquet files that hold pictures, as Hugging Face stores them, or the paths of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile, any_path, clean_path
from utkage.images.containers.limits import Budget, Limits
from utkage.images.containers.path_titles import path_title

PARQUET_START = b"PAR1"
# Rows in memory at once; pictures may have megabytes each.
_PICTURE_ROWS, _PATH_ROWS = 4, 16_384
# A group of rows is read as a whole. It may be this many times as large as one picture.
_PICTURES_PER_GROUP = 32


def is_picture_column(kind: Any) -> bool:
    """Whether an Arrow type is that of pictures: bytes, or a structure with ``bytes``."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        # Where all are files on the disk, the bytes have no type.
        return any(
            field.name == "bytes" and (_is_bytes(field.type) or pa.types.is_null(field.type))
            for field in fields
        )
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def row_name(number: int, path: str | None) -> str:
    """The name of the picture in a row, numbered from 1; several rows may have one path."""
    return f"{number:06d}-{path}" if path else f"row-{number:06d}"


@dataclass(frozen=True, kw_only=True)
class RowRange:
    """Rows of one group of rows.

    Attributes:
        group: Number of the group in its file, from 0.
        skip: Number of rows of the group before the first one.
        count: Number of rows.
        number: Number of the first row in its file, from 1.
    """

    group: int
    skip: int
    count: int
    number: int


class TablePictures:
    """The pictures of a Parquet file, or their paths.

    Args:
        source: The file, or an open one.
        limits: Upper bounds.
        name: Its name in errors; None for the path.

    Attributes:
        groups: Number of rows in each group of rows.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged or has neither.
    """

    def __init__(self, source: Path | BinaryIO, limits: Limits, name: str | None = None) -> None:
        self._source, self._limits, self._name = source, limits, name or str(source)
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise DataError(
                f"{self._name}: Parquet needs pyarrow; install it with: pip install "
                "'utkage[parquet]'"
            ) from error
        # Otherwise the whole file would be read ahead.
        self._open = partial(parquet.ParquetFile, source, pre_buffer=False)
        with self._damage_reported(), self._open() as file:
            schema, metadata = file.schema_arrow, file.metadata
            groups = range(metadata.num_row_groups)
            self.groups = tuple(metadata.row_group(number).num_rows for number in groups)
        self._pictures = next((field.name for field in schema if is_picture_column(field.type)), "")
        self._paths = path_title(field.name for field in schema if _holds_texts(field.type)) or ""
        if not self._pictures and not self._paths:
            raise DataError(
                f"{self._name}: holds neither pictures nor paths; name the column of paths 'path' "
                f"(its columns are {', '.join(schema.names[:8])})"
            )

    def pictures(
        self,
        is_wanted: Callable[[str], bool] = any_path,
        is_wanted_path: Callable[[str], bool] = any_path,
        rows: RowRange | None = None,
    ) -> Iterator[RawFile | str]:
        """Yield each picture, or each path as it is written, in the order of the rows.

        Arguments as for ``pictures_in``; ``rows`` limits it to some of them.

        Raises:
            DataError: the file is damaged or over a limit.
        """
        columns = [name for name in (self._pictures, self._paths) if name]
        size = _PICTURE_ROWS if self._pictures else _PATH_ROWS
        groups = range(len(self.groups)) if rows is None else (rows.group,)
        number, skip, left = 1, 0, None
        if rows is not None:
            number, skip, left = rows.number, rows.skip, rows.count
        packed = _size(self._source)
        # A path may be short; a million empty pictures are an attack.
        paths, pictures = (Budget(self._limits, self._name, packed) for _ in range(2))
        with self._damage_reported(), self._open() as file:
            self._require_small_groups(file.metadata, groups, columns)
            for batch in file.iter_batches(size, groups, columns):
                # Rows that are not wanted do not become Python objects.
                chosen = batch.slice(min(skip, len(batch)), left)
                skip -= min(skip, len(batch))
                left = None if left is None else left - len(chosen)
                for values in _rows(chosen):
                    found = self._found(values, number)
                    number += 1
                    if isinstance(found, str):
                        paths.count_member()
                        if is_wanted_path(found):
                            yield found
                        continue
                    pictures.count_member(len(found.content))
                    # All shards read all rows, and end at the same one.
                    found = _checked(found, pictures)
                    if is_wanted(found.path):
                        yield found
                if left == 0:
                    return

    def _found(self, values: dict[str, Any], number: int) -> RawFile | str:
        path = values.get(self._paths) if self._paths else None
        cell = values.get(self._pictures) if self._pictures else None
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        inner = cell.get("path") if isinstance(cell, dict) else None
        written = path or inner
        if content is None and isinstance(written, str) and written.strip():
            return written
        name = clean_path(path) if path else clean_path(row_name(number, inner))
        if content is None:
            return RawFile(name, b"", 0, "holds neither a picture nor a path")
        return RawFile(name, bytes(content), 0)

    def _require_small_groups(
        self, metadata: Any, groups: Iterable[int], columns: Sequence[str]
    ) -> None:
        """Refuse groups of rows that would fill the memory."""
        limit = self._limits.max_entry_bytes * _PICTURES_PER_GROUP
        for group in groups:
            if _unpacked_bytes(metadata.row_group(group), columns) > limit:
                raise DataError(
                    f"{self._name}: a group of rows has more than {limit} bytes; write it with "
                    "smaller groups, or raise `max_entry_bytes`"
                )

    @contextmanager
    def _damage_reported(self) -> Iterator[None]:
        from pyarrow import ArrowException

        try:
            yield
        except (ArrowException, OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self._name}: damaged Parquet file ({reason}); fetch it again"
            ) from error


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of a batch as Python's values, one at a time, because a picture may be large."""
    if batch.num_rows > _PICTURE_ROWS:
        yield from batch.to_pylist()
        return
    for place in range(batch.num_rows):
        yield from batch.slice(place, 1).to_pylist()


def _checked(found: RawFile, budget: Budget) -> RawFile:
    size = len(found.content)
    problem = found.problem or budget.too_large(size)
    if problem is None:
        budget.count_bytes(size)
        return found
    return RawFile(found.path, b"", found.position, problem)


def _unpacked_bytes(group: Any, columns: Sequence[str]) -> int:
    """Size of these columns in a group of rows, whose parts are called ``column.part``."""
    starts = tuple(f"{name}." for name in columns)
    parts = (group.column(number) for number in range(group.num_columns))
    return sum(
        part.total_uncompressed_size
        for part in parts
        if f"{part.path_in_schema}.".startswith(starts)
    )


def _size(source: Path | BinaryIO) -> int:
    return source.stat().st_size if isinstance(source, Path) else source.seek(0, os.SEEK_END)


def _holds_texts(kind: Any) -> bool:
    """Whether an Arrow type is that of texts, also of repeated ones (categories of pandas)."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    # Older versions of pyarrow have no views.
    is_view = getattr(pa.types, "is_string_view", pa.types.is_string)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or is_view(kind))
