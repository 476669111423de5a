"""Manifests: files that list pictures, one per line or row, so that no worker lists folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.files import replacing
from utkage.core.json_text import json_text, parse_json
from utkage.core.outputs import require_output
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.single_writer import holding_files
from utkage.core.text import counted, encodable
from utkage.images.discover import LINKED_FOLDER, PICTURE, Skipped, kind_of_file, natural_key
from utkage.images.folders import walk_folder

PATH_COLUMN = "path"
LINES_SUFFIXES = (".jsonl", ".ndjson")
TABLE_SUFFIX = ".parquet"
_BATCH = 10_000
_START_BYTES = 1 << 16
# Unreadable folders that are named; the rest are counted.
_MESSAGES = 10


def write_manifest(
    folder: Path,
    out: Path,
    *,
    overwrite: bool = False,
    follow_links: bool = True,
    as_given: bool = False,
    reporter: Reporter | None = None,
) -> int:
    """List the pictures below a folder in a file, in the order of ``predict``; return how many.

    Memory does not grow with the number of pictures, only with that of one folder. Paths are
    relative to the folder of ``out``, unless ``folder`` is absolute.

    Args:
        folder: The folder; its subfolders are listed too.
        out: The manifest: JSON lines (``.jsonl``) or Parquet, with the column ``path``.
        overwrite: Whether a file that is no manifest may be replaced.
        follow_links: Whether linked folders are entered, each once.
        as_given: Whether paths begin with ``folder`` as it is, wherever ``out`` is.
        reporter: Receives the progress and what was skipped.

    Raises:
        UsageError: no such folder, no picture in it, another suffix, or ``out`` must not be
            replaced.
    """
    reporter = reporter or SilentReporter()
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder; name the folder of the pictures")
    suffix = out.suffix.lower()
    if suffix not in (*LINES_SUFFIXES, TABLE_SUFFIX):
        raise UsageError(f"`out` {out}: choose one of the suffixes .jsonl, .ndjson, .parquet")
    require_output(out, "out", inputs=[folder], is_ours=_is_manifest, overwrite=overwrite)
    shown = folder
    if not folder.is_absolute() and not as_given:
        shown = Path(os.path.relpath(folder, out.parent))
    skipped, unreadable = Skipped(), list[str]()
    count = 0
    with (
        holding_files(out),
        replacing(out) as unfinished,
        _table_writer(unfinished) if suffix == TABLE_SUFFIX else _lines_writer(unfinished) as write,
        reporter.progress("listing", None) as task,
    ):
        for path in _pictures_below(folder, follow_links, skipped, unreadable):
            write(encodable(str(shown / path.relative_to(folder))))
            count += 1
            task.advance(1)
        if not count:
            found = (f"{folder}: no picture in this folder", skipped.note, *unreadable[:1])
            raise UsageError("; ".join(filter(None, found)))
    if skipped.note:
        reporter.info(skipped.note)
    for line in unreadable[:_MESSAGES]:
        reporter.warn(f"{line}; its pictures are not in {out}")
    if len(unreadable) > _MESSAGES:
        reporter.warn(f"and {counted(len(unreadable) - _MESSAGES, 'more folder')}")
    return count


def _is_manifest(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if path.suffix.lower() == TABLE_SUFFIX:
        from pyarrow import parquet

        try:
            return bool(parquet.read_schema(path).names == [PATH_COLUMN])
        except (OSError, ValueError):
            return False
    try:
        value = parse_json(start.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(value, dict) and list(value) == [PATH_COLUMN]


def _pictures_below(
    folder: Path, follow_links: bool, skipped: Skipped, unreadable: list[str]
) -> Iterator[Path]:
    def note_unreadable(path: Path, problem: str) -> None:
        unreadable.append(f"{path}: {problem}")

    def note_link(path: Path) -> None:
        skipped.add(LINKED_FOLDER, path)

    on_link = None if follow_links else note_link
    for path in walk_folder(folder, natural_key, note_unreadable, on_link=on_link):
        kind = kind_of_file(path)
        if kind == PICTURE:
            yield path
        else:
            skipped.add(kind, path)


@contextmanager
def _lines_writer(path: Path) -> Iterator[Callable[[str], None]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda name: print(json_text({PATH_COLUMN: name}), file=file)


@contextmanager
def _table_writer(path: Path) -> Iterator[Callable[[str], None]]:
    from utkage.prediction.parquet_rows import require_pyarrow

    pyarrow, parquet = require_pyarrow()
    schema = pyarrow.schema([(PATH_COLUMN, pyarrow.string())])
    held: list[str] = []
    with parquet.ParquetWriter(path, schema) as writer:
        flush = partial(_flush, pyarrow, schema, writer, held)

        def write(name: str) -> None:
            held.append(name)
            if len(held) >= _BATCH:
                flush()

        yield write
        if held:
            flush()


def _flush(pyarrow: object, schema: object, writer: object, held: list[str]) -> None:
    table = pyarrow.table({PATH_COLUMN: held}, schema=schema)  # type: ignore[attr-defined]
    writer.write_table(table)  # type: ignore[attr-defined]
    held.clear()
