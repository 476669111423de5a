"""Manifests: files that list pictures, one per line or row, so that no worker lists folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.files import replacing
from utkage.core.json_text import json_text, parse_json
from utkage.core.outputs import require_output
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.single_writer import holding_files
from utkage.core.text import counted, encodable
from utkage.images.discover import begins_like_picture, natural_key
from utkage.images.formats import IMAGE_SUFFIXES, is_raw

PATH_COLUMN = "path"
LINES_SUFFIXES = (".jsonl", ".ndjson")
TABLE_SUFFIX = ".parquet"
_BATCH = 10_000
_START_BYTES = 1 << 16


@dataclass
class _Skipped:
    """What a listing left out."""

    links: int = 0
    others: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def note(self) -> str | None:
        parts = []
        if self.links:
            parts.append(f"{counted(self.links, 'linked folder')} (name what they lead to)")
        if self.others:
            parts.append(counted(self.others, "other file"))
        parts.extend(self.unreadable[:3])
        return f"skipped {', '.join(parts)}" if parts else None


def write_manifest(
    folder: Path,
    out: Path,
    *,
    overwrite: bool = False,
    as_given: bool = False,
    reporter: Reporter | None = None,
) -> int:
    """List the pictures below a folder in a file, in the order of ``predict``; return how many.

    Memory does not grow with the number of pictures, only with that of one folder. Paths are
    relative to the folder of ``out``, unless ``folder`` is absolute. Linked folders are skipped.

    Args:
        folder: The folder; its subfolders are listed too.
        out: The manifest: JSON lines (``.jsonl``) or Parquet, with the column ``path``.
        overwrite: Whether a file that is no manifest may be replaced.
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
    skipped = _Skipped()
    count = 0
    with (
        holding_files(out),
        replacing(out) as unfinished,
        _table_writer(unfinished) if suffix == TABLE_SUFFIX else _lines_writer(unfinished) as write,
        reporter.progress("listing", None) as task,
    ):
        for path in _pictures_below(folder, skipped):
            write(encodable(str(shown / path)))
            count += 1
            task.advance(1)
        if not count:
            note = f"; {skipped.note}" if skipped.note else ""
            raise UsageError(
                f"{folder}: no picture in this folder{note}; archives are named themselves, such "
                "as 'shards/*.tar'"
            )
    if skipped.note:
        reporter.info(skipped.note)
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


def _pictures_below(folder: Path, skipped: _Skipped) -> Iterator[Path]:
    """Paths relative to ``folder``, those of each subfolder where its name stands in the order."""
    # Folders yet to list, with the iterator over the rest of each; recursion has a limit.
    stack = [(Path(), _entries(folder, skipped))]
    while stack:
        place, entries = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            continue
        name, is_folder = entry
        if is_folder:
            stack.append((place / name, _entries(folder / place / name, skipped)))
        elif _is_wanted(folder / place / name):
            yield place / name
        else:
            skipped.others += 1


def _entries(folder: Path, skipped: _Skipped) -> Iterator[tuple[str, bool]]:
    """Names in a folder in natural order without hidden ones, and whether each is a folder."""
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(folder) as scan:
            for entry in scan:
                if entry.name.startswith("."):
                    skipped.others += not entry.is_dir(follow_symlinks=False)
                elif entry.is_symlink() and entry.is_dir():
                    skipped.links += 1
                else:
                    found.append((entry.name, entry.is_dir()))
    except OSError as error:
        skipped.unreadable.append(f"{folder} (cannot be read: {error.strerror})")
    return iter(sorted(found, key=lambda entry: natural_key(entry[0])))


def _is_wanted(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(IMAGE_SUFFIXES) or (not is_raw(name) and begins_like_picture(path))


@contextmanager
def _lines_writer(path: Path) -> Iterator[Callable[[str], None]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda name: print(json_text({PATH_COLUMN: name}), file=file)


@contextmanager
def _table_writer(path: Path) -> Iterator[Callable[[str], None]]:
    from utkage.prediction.row_files import require_pyarrow

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
