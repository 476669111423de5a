"""Rows of ``predict`` in files: JSON lines that can be gone on with, CSV, JSON, Parquet.

JSON lines are appended file by file and are what a long run should write: whatever ends it, each
line is whole, and ``finished_files`` tells where to go on. The other kinds get their name only
when they are complete.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, get_args, get_origin, get_type_hints

from utkage.core.errors import UsageError
from utkage.core.files import name_in_errors, replacing
from utkage.prediction.face_rows import FaceRow
from utkage.prediction.rows import Row

JSON_LINES = ".jsonl"
KINDS = (JSON_LINES, ".json", ".csv", ".parquet")
_PARQUET_ROWS = 10_000

WriteRow = Callable[[Row], None]


def check_rows_file(path: Path, *, resume: bool) -> None:
    """Refuse a file that rows cannot go to, before any work is done.

    Raises:
        UsageError: unknown ending, ``resume`` of anything but JSON lines, or JSON lines that are
            there already and are not to be gone on with.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageError(f"`out` {path}: choose one of the endings {', '.join(KINDS)}")
    if resume and kind != JSON_LINES:
        raise UsageError(f"`resume` continues JSON lines; name a file {JSON_LINES}, not {path}")
    if kind == JSON_LINES and not resume and path.exists() and path.stat().st_size:
        raise UsageError(
            f"{path}: already exists; continue it with `resume=True`, or name another file"
        )
    if kind == ".parquet":
        _pyarrow()


@contextmanager
def rows_file(path: Path, kind: type[Row] = FaceRow, *, resume: bool = False) -> Iterator[WriteRow]:
    """Open a file for rows by its ending; the callable that comes takes one row after the other.

    Args:
        path: Where they go.
        kind: Class of the rows, whose fields are the columns.
        resume: Go on with a file of JSON lines.

    Raises:
        UsageError: as in ``check_rows_file``.
    """
    check_rows_file(path, resume=resume)
    ending = path.suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == JSON_LINES:
        with (
            name_in_errors(path),
            path.open("a", encoding="utf-8", newline="\n") as file,
            json_lines(file) as write,
        ):
            yield write
        return
    with replacing(path) as partial:
        if ending == ".parquet":
            with _parquet(partial, kind) as write:
                yield write
            return
        with partial.open("w", encoding="utf-8", newline="") as file:
            if ending == ".csv":
                yield csv_rows(file, kind)
            else:
                with json_rows(file) as write:
                    yield write


@contextmanager
def json_lines(stream: IO[str]) -> Iterator[WriteRow]:
    """Write JSON lines, all rows of a file at once; what belongs to no whole file is dropped."""
    held: list[str] = []

    def write(row: Row) -> None:
        held.append(json.dumps(row.to_dict(), ensure_ascii=False) + "\n")
        if row.is_last_of_file:
            stream.write("".join(held))
            stream.flush()
            held.clear()

    yield write


@contextmanager
def json_rows(stream: IO[str]) -> Iterator[WriteRow]:
    """Write one JSON list; once begun it is closed even when the rows end early."""
    started = False

    def write(row: Row) -> None:
        nonlocal started
        text = json.dumps(row.to_dict(), indent=2).replace("\n", "\n  ")
        stream.write(f"{',' if started else '['}\n  {text}")
        started = True

    try:
        yield write
        if not started:
            stream.write("[]\n")
    finally:
        if started:
            stream.write("\n]\n")
        stream.flush()


def csv_rows(stream: IO[str], kind: type[Row] = FaceRow) -> WriteRow:
    """Write a header and CSV, all rows of a file at once."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(kind.column_names())

    def write(row: Row) -> None:
        writer.writerow(row.to_cells())
        if row.is_last_of_file:
            stream.flush()

    return write


def finished_files(path: Path) -> set[str]:
    """Files whose rows a JSON lines file holds whole; what an interrupted run left behind is cut.

    Raises:
        UsageError: the file holds something else.
    """
    finished: set[str] = set()
    if not path.exists():
        return finished
    whole = position = 0
    with name_in_errors(path), path.open("r+b") as file:
        for number, line in enumerate(file, 1):
            position += len(line)
            if not line.endswith(b"\n"):
                break
            values = _parsed(line, f"{path}, line {number}")
            if values["face"] is None or values["face"] == values["faces"]:
                finished.add(values["file"])
                whole = position
        file.truncate(whole)
    return finished


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where}: is not JSON; `resume` needs rows of 'predict'") from error
    if not isinstance(values, dict) or tuple(values) != FaceRow.field_names():
        raise UsageError(f"{where}: is no row of this version's 'predict'; name another file")
    return values


@contextmanager
def _parquet(path: Path, kind: type[Row]) -> Iterator[WriteRow]:
    pyarrow, parquet = _pyarrow()
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
    """The column type of a field: texts, numbers, and tuples of one kind as lists."""
    parts = [part for part in get_args(hint) if part not in (type(None), Ellipsis)]
    if get_origin(hint) is tuple:
        return pyarrow.list_(_parquet_type(pyarrow, parts[0]))
    if parts:
        return _parquet_type(pyarrow, parts[0])
    return {str: pyarrow.string, int: pyarrow.int64, float: pyarrow.float64}[hint]()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "Parquet needs one more package; run: pip install 'utkage[parquet]'"
        ) from error
    return pyarrow, parquet


def write_rows(rows: Iterable[Row], write: WriteRow | None) -> int:
    """Write every row, if there is anything to write to; how many inputs failed."""
    failed = 0
    for row in rows:
        failed += row.status == "failed"
        if write is not None:
            write(row)
    return failed
