"""Locks for one writer at a time; a lock ends with its process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from utkage.core.errors import UsageError


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Lock the file ``path`` while the body runs.

    The operating system releases the lock when the process ends, so a killed command never blocks
    the next one. The empty file remains. If another process holds the lock, a ``UsageError`` with
    ``what``, the name of the locked resource, is raised.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            _lock(handle)
        except OSError as error:
            raise UsageError(
                f"{what}: another utkage is writing here; wait until it ends"
            ) from error
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
