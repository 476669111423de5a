"""Parquet tables, with pictures in a column as Hugging Face stores them, or with paths."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from utkage.core.errors import DataError
from utkage.core.json_text import parse_json
from utkage.data.label_files.row import Line, Table
from utkage.data.label_files.titles import IMAGE
from utkage.images.containers.parquet_pictures import (
    PARQUET_START,
    is_picture_column,
    row_name,
)

SUFFIXES = (".parquet",)
STARTS = (PARQUET_START,)
_PATH = "file_name"


def read_parquet(content: bytes, name: str) -> Table:
    """Parse the table.

    A column of structures with ``bytes`` and ``path``, or of bytes, holds the pictures.

    Raises:
        DataError: pyarrow is not installed, or the file is damaged.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError(
            f"{name}: Parquet needs pyarrow; install it with: pip install 'utkage[parquet]'"
        ) from error
    import pyarrow as pa

    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{name}: damaged Parquet file ({reason}); fetch it again") from error
    pictures = next((field.name for field in table.schema if is_picture_column(field.type)), None)
    titles = [column.lower() for column in table.column_names if column != pictures]
    if pictures is not None and _PATH not in titles:
        titles.append(_PATH)
    return Table(
        titles=(*titles, IMAGE) if pictures is not None else tuple(titles),
        lines=tuple(_lines(table, pictures)),
        value_names=_value_names(table.schema.metadata or {}),
        has_pictures=pictures is not None,
    )


def _lines(table: Any, pictures: str | None) -> Iterator[Line]:
    number = 0
    for batch in table.to_batches(max_chunksize=256):
        for values in batch.to_pylist():
            number += 1
            picture = values.pop(pictures) if pictures is not None else None
            cells = {key.lower(): _text(value) for key, value in values.items()}
            if pictures is None:
                yield Line(number=number, cells=cells)
                continue
            encoded, path = (
                (picture.get("bytes"), picture.get("path"))
                if isinstance(picture, dict)
                else (picture, None)
            )
            cells.setdefault(_PATH, row_name(number, path))
            yield Line(number=number, cells=cells, picture=partial(bytes, encoded or b""))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _value_names(metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """The names of class labels, which Hugging Face keeps beside the schema."""
    try:
        features = parse_json(metadata[b"huggingface"])["info"]["features"]
        return {
            title.lower(): tuple(map(str, feature["names"]))
            for title, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
