"""Rows of ``predict`` in files: JSON lines, CSV, JSON, Parquet.

JSON lines are appended file by file, so whatever ends the run, ``finished_files`` lists what a
resumed run can skip. The other formats get their name only when they are complete.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import IO, Any
from unicodedata import normalize

from utkage.core.appending import append_whole
from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.files import name_in_errors, replacing
from utkage.core.json_text import json_text, parse_json
from utkage.core.locks import lock_handle
from utkage.core.outputs import contains, require_output, require_plain, same_file
from utkage.core.partials import shortened
from utkage.core.settings import check_table
from utkage.core.single_writer import holding_files
from utkage.core.text import counted, spreadsheet_safe
from utkage.prediction.parquet_rows import parquet_rows, require_pyarrow
from utkage.prediction.rows import STATUSES, AnyRow, FaceRow, Row, TrackRow
from utkage.prediction.run_record import RunRecord, finished_length, record_file

JSON_LINES = ".jsonl"
SUFFIXES = (JSON_LINES, ".json", ".csv", ".parquet")
# Fields of rows that a run can be resumed from: of this version, and of faces before `frame` and
# `rotated`.
_READABLE: dict[type[Row], tuple[tuple[str, ...], ...]] = {
    FaceRow: tuple(FaceRow.field_names()[:count] for count in (None, -1, -2)),
    TrackRow: (TrackRow.field_names(),),
}
_START_BYTES = 1 << 16
_NO_ROW = "not JSON; `resume` needs rows of 'predict'"
# How a row begins, and how a JSON list of rows does.
_ROW_START = b'{"file": "'
_LIST_START = re.compile(rb'\[\s*\{\s*"file":\s*"([^"\\]|\\.)*",\s*"status":|\[\]\s*$')
# Longest line of JSON lines, bytes. Paths have at most a few thousand.
_LONGEST_LINE = 1024**2
# Longest name of a file on most systems, bytes.
_LONGEST_NAME = 255

WriteRow = Callable[[Row], None]


def check_rows_file(
    path: Path,
    *,
    resume: bool,
    overwrite: bool = False,
    inputs: Iterable[Path | int] = (),
    record: RunRecord | None = None,
) -> None:
    """Refuse a file that cannot receive rows, before any work is done.

    Raises:
        UsageError: unknown suffix, one of the ``inputs`` (paths or open files), ``resume`` with
            another format than JSON lines, JSON lines that exist already without ``resume``, rows
            that were made otherwise than with ``record``, or without ``overwrite`` a file of
            something else.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"`out` {path}: choose one of the suffixes {', '.join(SUFFIXES)}")
    require_plain(path, "out")
    if same_file(path, inputs):
        raise UsageError(f"`out` {path}: is an input of this command; name another file")
    if resume and suffix != JSON_LINES:
        raise UsageError(f"`resume` continues JSON lines; name a {JSON_LINES} file, not {path}")
    if not resume and _has_rows(path, suffix):
        raise UsageError(
            f"{path}: already exists; continue it with `resume=True`, or name another file"
        )
    if record is not None and _has_rows(path, suffix):
        record.require_same(path)
    if suffix == ".parquet":
        require_pyarrow()
    if suffix != JSON_LINES:
        require_output(path, "out", is_ours=_holds_rows, overwrite=overwrite)


def _has_rows(path: Path, suffix: str) -> bool:
    """Whether these are JSON lines with something in them."""
    return suffix == JSON_LINES and path.exists() and path.stat().st_size > 0


def _holds_rows(path: Path) -> bool:
    """Whether a file holds rows of ``predict``, also of a former version."""
    form = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if form == ".parquet":
        return start[:4] == b"PAR1" and contains(path, "range_probability")
    if form == ".csv":
        return start.startswith(b"file,status,reason,")
    return _LIST_START.match(start) is not None


@contextmanager
def rows_file(
    path: Path,
    kind: type[Row] = FaceRow,
    *,
    resume: bool = False,
    overwrite: bool = False,
    csv_safe: bool = False,
    record: RunRecord | None = None,
) -> Iterator[WriteRow]:
    """Open a file for rows in the format of its suffix; yields a function that writes one row.

    ``kind``, the class of the rows, decides the columns. ``resume`` appends to JSON lines. With
    ``csv_safe``, texts of CSV are ``core.text.spreadsheet_safe``. JSON lines get the ``record`` of
    what makes them.

    Raises:
        UsageError: as in ``check_rows_file``, or another process is writing the file.
        DataError: JSON lines cannot be written; those in the file are whole.
    """
    suffix = path.suffix.lower()
    with ExitStack() as stack:
        check_rows_file(path, resume=resume, overwrite=overwrite, record=record)
        stack.enter_context(holding_files(path))
        # Whoever held the file before may have made it.
        check_rows_file(path, resume=resume, overwrite=overwrite, record=record)
        if suffix == JSON_LINES:
            stack.enter_context(name_in_errors(path))
            file = stack.enter_context(_open(path, "a"))
            _require_alone(file, path)
            if not _has_rows(path, suffix):
                # That of rows which are no longer there.
                record_file(path).unlink(missing_ok=True)
            if record is not None:
                record.write(path)
            yield json_lines(partial(_append, file, path))
            if record is not None and kind is TrackRow:
                record.write(path, finished_bytes=path.stat().st_size)
            return
        unfinished = stack.enter_context(replacing(path))
        if suffix == ".parquet":
            yield stack.enter_context(parquet_rows(unfinished, kind))
            return
        file = stack.enter_context(_open(unfinished, "w"))
        if suffix == ".csv":
            yield csv_rows(file, kind, safe=csv_safe)
        else:
            yield stack.enter_context(json_rows(file))


def _require_alone(file: IO[str], path: Path) -> None:
    """Lock the file itself as well, which may have several names (hard links)."""
    if os.name == "nt":
        # A locked file could not be written.
        return
    try:
        lock_handle(file.fileno())
    except BlockingIOError as error:
        raise UsageError(
            f"{path}: another utkage is writing this file under another name; wait until it ends"
        ) from error
    except OSError:
        # The file system has no locks; that of the name must do.
        return


def _open(path: Path, mode: str) -> IO[str]:
    # Names of videos may hold bytes of another encoding, which UTF-8 lacks.
    return path.open(mode, encoding="utf-8", newline="", errors="backslashreplace")


def _append(file: IO[str], path: Path, text: str) -> None:
    try:
        append_whole(file, text)
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}; the rows in it are whole: make room, and continue "
            "with `resume=True`"
        ) from error


def json_lines(append: Callable[[str], None]) -> WriteRow:
    """Write JSON lines, all rows of an input at once; rows of an unfinished input are dropped."""
    held: list[str] = []

    def write(row: Row) -> None:
        held.append(json_text(row.to_dict()) + "\n")
        if row.is_last_of_file:
            append("".join(held))
            held.clear()

    return write


@contextmanager
def json_rows(stream: IO[str]) -> Iterator[WriteRow]:
    """Write one JSON list, which is closed even when the rows end early."""
    started = False

    def write(row: Row) -> None:
        nonlocal started
        text = json_text(row.to_dict(), indent=2, ensure_ascii=True).replace("\n", "\n  ")
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


def csv_rows(stream: IO[str], kind: type[Row] = FaceRow, *, safe: bool = False) -> WriteRow:
    """Write CSV with a header, all rows of an input at once.

    With ``safe``, texts are ``core.text.spreadsheet_safe``.
    """
    append_whole(stream, _csv_line(kind.column_names()))
    held: list[str] = []

    def write(row: Row) -> None:
        cells = row.to_cells()
        held.append(_csv_line(map(spreadsheet_safe, cells) if safe else cells))
        if row.is_last_of_file:
            append_whole(stream, "".join(held))
            held.clear()

    return write


def _csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def videos_file(path: Path) -> Path:
    """Where the rows of videos go if ``path`` is for those of pictures: ``rows.videos.csv``.

    A name that would be too long for a file is cut.

    >>> videos_file(Path("out/rows.csv")).name
    'rows.videos.csv'
    """
    name = f"{path.stem}.videos{path.suffix}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{PurePath(shortened(path.name)).stem}.videos{path.suffix}"
    return path.with_name(name)


def finished_files(path: Path, kind: type[Row] = FaceRow, *, cuts: bool = True) -> Counter[str]:
    """Inputs whose rows are complete in a file of JSON lines; ``cuts`` removes incomplete ones.

    Several inputs may have one name, as files in an archive can, so each is counted. Names are in
    the composition NFC of Unicode. ``kind`` is the class of the rows. Those of a
    video are complete if rows of another one follow, if it failed, or by the record of their run.

    Raises:
        UsageError: the file contains something else; it is unchanged then.
    """
    finished: Counter[str] = Counter()
    if not path.exists():
        return finished
    complete = position = 0
    recorded = finished_length(path) if kind is TrackRow else 0
    last: str | None = None
    with name_in_errors(path), path.open("r+b") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
            position += len(line)
            if not line.endswith(b"\n"):
                if len(line) == _LONGEST_LINE:
                    raise UsageError(f"{path}, line {number}: too long for a row of 'predict'")
                if line[: len(_ROW_START)] != _ROW_START[: len(line)]:
                    raise UsageError(f"{path}, line {number}: {_NO_ROW}")
                break
            values = _parsed(line, f"{path}, line {number}", kind)
            if kind is TrackRow:
                if last is not None and values["file"] != last:
                    finished[normalize("NFC", last)] += 1
                    complete = position - len(line)
                is_complete = values["status"] == "failed" or position == recorded
                # Such a video is counted here, so the row after it must not count it again.
                last = None if is_complete else values["file"]
            else:
                is_complete = values["face"] is None or values["face"] == values["faces"]
            if is_complete:
                finished[normalize("NFC", values["file"])] += 1
                complete = position
        if cuts:
            file.truncate(complete)
    return finished


def resume_note(path: Path, count: int, noun: str) -> str:
    """What a run that resumes finds: predictions for ``count`` inputs of a kind, such as videos."""
    if not path.exists():
        return f"{path}: does not exist yet; starting it"
    if not count:
        return f"{path}: has no finished {noun} yet; starting with the first"
    return f"{path}: has predictions for {counted(count, noun)}; resuming"


def finished_rows(path: Path, kind: type[AnyRow]) -> Iterator[AnyRow]:
    """The rows of a file that ``finished_files`` has checked: file, status, and number of face."""
    number = "track" if kind is TrackRow else "face"
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                values = parse_json(line, surrogates=True)
                yield kind(values["file"], values["status"], **{number: values[number]})


def _parsed(line: bytes, where: str, kind: type[Row]) -> dict[str, Any]:
    try:
        # Parsed as bytes, UTF-16 and surrogates in UTF-8 would pass, which later readers refuse.
        values = parse_json(line.decode("utf-8"), surrogates=True)
    except ValueError as error:
        raise UsageError(f"{where}: {_NO_ROW} ({error})") from error
    if not isinstance(values, dict) or tuple(values) not in _READABLE[kind]:
        other = FaceRow if kind is TrackRow else TrackRow
        if isinstance(values, dict) and tuple(values) in _READABLE[other]:
            found, wanted = ("pictures", "videos") if kind is TrackRow else ("videos", "pictures")
            raise UsageError(
                f"{where}: a row of {found}, where those of {wanted} belong; name another file"
            )
        raise UsageError(f"{where}: not a row of this version's 'predict'; name another file")
    try:
        check_table(kind, values, where)
    except ConfigError as error:
        raise UsageError(f"{error}; name another file, or remove that line") from error
    # Videos do not count their faces in each row.
    face = values.get("face")
    faces = values.get("faces")
    if values["status"] not in STATUSES or (face is not None and not 1 <= face <= (faces or 0)):
        place = "" if kind is TrackRow else f", face {face} of {faces},"
        raise UsageError(
            f"{where}: status {values['status']!r}{place} is not a row of 'predict'; name another "
            "file, or remove that line"
        )
    return values


def write_rows(rows: Iterable[Row], write: WriteRow | None) -> int:
    """Write every row if there is a destination; returns the number of failed inputs."""
    failed = 0
    for row in rows:
        failed += row.status == "failed"
        if write is not None:
            write(row)
    return failed
