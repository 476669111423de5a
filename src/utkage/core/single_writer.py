"""Outputs that one process at a time writes, without what killed processes have left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.files import sync
from utkage.core.locks import exclusive
from utkage.core.partials import partial_folder, remove_dead_partials, shortened

LOCK_NAME = ".lock"
# Another process may remove a folder, because it is empty, before the lock is made in it.
_ATTEMPTS = 100


@contextlib.contextmanager
def holding_files(*paths: Path) -> Iterator[None]:
    """Lock output files while the body runs, and remove their dead temporary files.

    Folders are created, and removed at the end if they are empty then. A link is locked at its
    target.

    Raises:
        UsageError: another process is writing one of the files, or a lock is no file.
        OSError: a folder cannot be created or written.
    """
    with contextlib.ExitStack() as stack:
        for path in {Path(os.path.realpath(path)): path for path in paths}.items():
            stack.enter_context(_holding_file(*path))
        yield


def require_new_folder(path: Path) -> None:
    """Raise a ``UsageError`` if the folder that a command would make is there already."""
    # A link to nothing could not be replaced by a folder either.
    if os.path.lexists(path):
        raise UsageError(f"`out` {path}: already exists; remove it, or name another folder")


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes ``path`` when the body is done.

    Its files are on the disk before. If the body fails, there is no folder.

    Raises:
        UsageError: another process is writing the folder, or has made it meanwhile.
    """
    with holding_files(path), partial_folder(path) as folder:
        yield folder
        for file in folder.rglob("*"):
            if file.is_file():
                sync(file)
        try:
            folder.rename(path)
        except OSError as error:
            raise UsageError(f"`out` {path}: was made meanwhile; name another folder") from error


@contextlib.contextmanager
def holding_folder(folder: Path, is_own: Callable[[str], bool]) -> Iterator[None]:
    """Lock an output folder while the body runs, and remove dead temporary files in it.

    The folder is created, and removed at the end if it is empty then.

    Args:
        folder: The folder.
        is_own: Whether the caller writes a file of this name into the folder.

    Raises:
        UsageError: another process is writing into the folder, or the lock is no file.
        OSError: the folder cannot be created or written.
    """
    with _locked(folder, LOCK_NAME, str(folder)):
        remove_dead_partials(folder, is_own)
        yield


@contextlib.contextmanager
def _holding_file(real: Path, path: Path) -> Iterator[None]:
    own = shortened(real.name)
    with _locked(real.parent, f".{own}.lock", str(path)):
        remove_dead_partials(real.parent, lambda name: name == own)
        yield


@contextlib.contextmanager
def _locked(folder: Path, name: str, what: str) -> Iterator[None]:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    lock = exclusive(folder / name, what)
    for attempt in range(_ATTEMPTS):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.__enter__()
            break
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
            lock = exclusive(folder / name, what)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
        for created in missing:
            with contextlib.suppress(OSError):
                created.rmdir()
