"""Rows of ``predict`` in Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from utkage.core.errors import UsageError
from utkage.prediction.rows import FaceRow, Row

_PARQUET_ROWS = 10_000


@contextmanager
def parquet_rows(path: Path, kind: type[Row] = FaceRow) -> Iterator[Callable[[Row], None]]:
    """Write a Parquet file, which is complete only when the body has ended.

    Raises:
        UsageError: pyarrow is not installed.
    """
    pyarrow, parquet = require_pyarrow()
    hints = get_type_hints(kind)
    schema = pyarrow.schema(
        [(name, _parquet_type(pyarrow, hints[name])) for name in kind.field_names()]
    )
    held: list[dict[str, Any]] = []

    def flush() -> None:
        writer.write_table(pyarrow.Table.from_pylist(held, schema=schema))
        held.clear()

    def write(row: Row) -> None:
        held.append(row.to_dict())
        if len(held) >= _PARQUET_ROWS:
            flush()

    with parquet.ParquetWriter(path, schema) as writer:
        yield write
        if held:
            flush()


def _parquet_type(pyarrow: Any, hint: Any) -> Any:
    """The column type of a field: text, number, or a list for a tuple."""
    parts = [part for part in get_args(hint) if part not in (type(None), Ellipsis)]
    if get_origin(hint) is tuple:
        return pyarrow.list_(_parquet_type(pyarrow, parts[0]))
    if parts:
        return _parquet_type(pyarrow, parts[0])
    return {str: pyarrow.string, int: pyarrow.int64, float: pyarrow.float64}[hint]()


def require_pyarrow() -> tuple[Any, Any]:
    """The packages ``pyarrow`` and ``pyarrow.parquet``.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        advice = "run: pip install 'utkage[parquet]'"
        raise UsageError(f"Parquet needs one more package; {advice}") from error
    return pyarrow, parquet
