"""Atomic writes: at every moment there is the old file or the new one, never half a file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from utkage.core.errors import UsageError
from utkage.core.json_text import json_text
from utkage.core.partials import partial_file
from utkage.core.reporter import Reporter, SilentReporter

_PART_BYTES = 1 << 20


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; it replaces ``path`` if the body succeeds.

    If the body raises, the temporary file is removed and ``path`` stays unchanged. The temporary
    file has the suffix of ``path``, because some writers choose their format by it. If ``path`` is
    a link, its target is replaced and the link stays. A file that is replaced keeps its
    permissions.

    Raises:
        UsageError: a device or a pipe has the name.
        OSError: the folder cannot be created or written.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError(f"{path}: is a device or a pipe; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial_file(path) as partial:
        _copy_mode(path, partial)
        with name_in_errors(path):
            yield partial
            sync(partial)
        # Some writers make a file of their own.
        _copy_mode(path, partial)
        partial.replace(path)


def sync(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _copy_mode(path: Path, partial: Path) -> None:
    """Give the new file the permissions of the one that it replaces, if there is one."""
    with contextlib.suppress(OSError):
        partial.chmod(stat.S_IMODE(path.stat().st_mode))


@contextlib.contextmanager
def name_in_errors(path: Path) -> Iterator[None]:
    """Add the file name to an ``OSError`` without one, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def require_folder(path: Path, field: str) -> None:
    """Raise a ``UsageError`` early if there is a file with the name of an output folder."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"`{field}` {path}: is a file; name a folder")


def sha256_of(path: Path, reporter: Reporter | None = None) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits; ``reporter`` shows the progress."""
    digest = hashlib.sha256()
    reporter = reporter or SilentReporter()
    with (
        path.open("rb") as file,
        reporter.progress(f"hashing {path.name}", path.stat().st_size) as task,
    ):
        while part := file.read(_PART_BYTES):
            digest.update(part)
            task.advance(len(part))
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """The first 16 digits of ``sha256_of``; a ``UsageError`` names a file that cannot be read."""
    if path.exists() and not path.is_file():
        # A device has no end, and a pipe could not be read again.
        raise UsageError(f"{path}: is not a plain file; name one")
    try:
        return sha256_of(path)[:16]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with replacing(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically, with unchanged line endings."""
    write_bytes(path, text.encode("utf-8"))


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Write the joined ``parts`` as ``write_text`` does, without joining them in memory."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.writelines(part.encode("utf-8") for part in parts)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with a final newline, atomically; NaN becomes null."""
    write_text(path, json_text(value, indent=2) + "\n")
