"""Parquet files that hold pictures, as Hugging Face stores them, or the paths of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from utkage.core.errors import DataError
from utkage.images.containers.container import RawFile, clean_path
from utkage.images.containers.limits import Budget, Limits
from utkage.images.containers.path_titles import PATH_TITLES, simple_title

PARQUET_START = b"PAR1"
# Rows in memory at once; pictures may have megabytes each.
_PICTURE_ROWS, _PATH_ROWS = 16, 16_384
# A group of rows is read as a whole. It may be this many times as large as one picture.
_PICTURES_PER_GROUP = 32


def is_picture_column(kind: Any) -> bool:
    """Whether an Arrow type is that of pictures: bytes, or a structure with ``bytes``."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(kind.field(place).name == "bytes" for place in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def row_name(number: int, path: str | None) -> str:
    """The name of the picture in a row, numbered from 1; several rows may have one path."""
    return f"{number:06d}-{path}" if path else f"row-{number:06d}"


class TablePictures:
    """The pictures of a Parquet file, or their paths.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged or has neither.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise DataError(
                f"{path}: Parquet needs pyarrow; install it with: pip install 'utkage[parquet]'"
            ) from error
        self._path, self._limits = path, limits
        # Otherwise the whole file would be read ahead.
        self._open = partial(parquet.ParquetFile, pre_buffer=False)
        with self._damage_reported(), self._open(path) as file:
            schema = file.schema_arrow
        self._pictures = next((field.name for field in schema if is_picture_column(field.type)), "")
        self._paths = _path_column(schema)
        if not self._pictures and not self._paths:
            raise DataError(
                f"{path}: holds neither pictures nor paths; name the column of paths 'path'"
            )

    def pictures(
        self, is_wanted: Callable[[str], bool], is_wanted_path: Callable[[str], bool]
    ) -> Iterator[RawFile | str]:
        """Yield each picture, or each path as it is written, in the order of the rows.

        Arguments as for ``pictures_in``.

        Raises:
            DataError: the file is damaged or over a limit.
        """
        columns = [name for name in (self._pictures, self._paths) if name]
        size = _PICTURE_ROWS if self._pictures else _PATH_ROWS
        packed = self._path.stat().st_size
        budget = Budget(self._limits, self._path, packed)
        number = 0
        with self._damage_reported(), self._open(self._path) as file:
            self._require_small_groups(file.metadata)
            for batch in file.iter_batches(size, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    budget.count_member()
                    found = self._found(values, number)
                    if isinstance(found, str):
                        if is_wanted_path(found):
                            yield found
                    elif is_wanted(found.path):
                        yield _checked(found, budget)

    def _found(self, values: dict[str, Any], number: int) -> RawFile | str:
        path = values.get(self._paths) if self._paths else None
        cell = values.get(self._pictures) if self._pictures else None
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        inner = cell.get("path") if isinstance(cell, dict) else None
        if content is None and isinstance(path or inner, str):
            return str(path or inner)
        name = clean_path(path) if path else clean_path(row_name(number, inner))
        if content is None:
            return RawFile(name, b"", 0, "holds neither a picture nor a path")
        return RawFile(name, bytes(content), 0)

    def _require_small_groups(self, metadata: Any) -> None:
        """Refuse groups of rows that would fill the memory."""
        limit = self._limits.max_entry_bytes * _PICTURES_PER_GROUP
        for number in range(metadata.num_row_groups):
            if metadata.row_group(number).total_byte_size > limit:
                raise DataError(
                    f"{self._path}: a group of rows has more than {limit} bytes; write it with "
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
                f"{self._path}: damaged Parquet file ({reason}); fetch it again"
            ) from error


def _checked(found: RawFile, budget: Budget) -> RawFile:
    size = len(found.content)
    problem = found.problem or budget.too_large(size)
    if problem is None:
        budget.count_bytes(size)
        return found
    return RawFile(found.path, b"", found.position, problem)


def _path_column(schema: Any) -> str | None:
    """The column of texts with the preferred one of ``PATH_TITLES``."""
    import pyarrow as pa

    texts = {
        simple_title(field.name): field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    }
    return next((texts[title] for title in PATH_TITLES if title in texts), None)
