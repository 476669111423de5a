"""Locks for one writer at a time; a lock ends with its process."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from utkage.core.errors import UsageError

# Errors of a lock that another process holds. Any other means that there are no locks here.
_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
# A holder that ends removes its file, perhaps between the opening and the locking of the next one.
_ATTEMPTS = 100
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Lock the file ``path`` while the body runs, and remove it afterwards if it is empty.

    The operating system releases the lock when the process ends, so a killed command never blocks
    the next one, although its file remains. Where the file system has no locks, the lock is in the
    system's temporary folder and excludes other processes of this user on this machine.

    Args:
        path: The lock file. It is never followed if it is a symbolic link.
        what: Name of the locked resource, for messages.

    Raises:
        UsageError: another process holds the lock, or ``path`` is a link, a folder or a device.
        OSError: the file cannot be made.
    """
    handle, path = _acquire(path, what)
    try:
        yield
    finally:
        _release(handle, path)


def lock_handle(handle: int) -> None:
    """Lock an open file for this process until it is closed, without waiting.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file system has no locks.
    """
    try:
        try:
            import fcntl
        except ImportError:
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise BlockingIOError(error.errno, "locked by another process") from error
        raise


def _acquire(path: Path, what: str) -> tuple[int, Path]:
    """The handle of the locked file, and its path."""
    for _ in range(_ATTEMPTS):
        handle = _open(path, what)
        try:
            lock_handle(handle)
        except BlockingIOError as error:
            os.close(handle)
            raise UsageError(
                f"{what}: another utkage is writing here; wait until it ends, or name "
                "another output"
            ) from error
        except OSError:
            _release(handle, path)
            substitute = _substitute(path)
            if path == substitute:
                raise
            path = substitute
            continue
        if _is_at(handle, path):
            return handle, path
        os.close(handle)
    raise UsageError(f"{what}: {path} is replaced again and again; name another output")


def _open(path: Path, what: str) -> int:
    kind = "a symbolic link" if path.is_symlink() else "a folder" if path.is_dir() else ""
    if not kind:
        try:
            handle = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            # A link that was made a moment ago.
            if error.errno not in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
                raise
            kind = "no file"
        else:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return handle
            os.close(handle)
            kind = "no file"
    raise UsageError(f"{what}: its lock {path} is {kind}; remove it, or name another output")


def _release(handle: int, path: Path) -> None:
    # Only while it is locked can no other process rely on the file, but Windows removes no open
    # file. Not a file of another program that has this name.
    removable = _is_at(handle, path) and not os.fstat(handle).st_size
    if removable and os.name != "nt":
        path.unlink(missing_ok=True)
    os.close(handle)
    if removable and os.name == "nt":
        with contextlib.suppress(OSError):
            path.unlink()


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        named = path.lstat()
    except OSError:
        return False
    opened = os.fstat(handle)
    return (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)


def _substitute(path: Path) -> Path:
    """The lock file in the system's temporary folder for one in a folder without locks."""
    folder = path.parent.stat()
    identity = hashlib.sha256(f"{folder.st_dev} {folder.st_ino} {path.name}".encode()).hexdigest()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"utkage-{user}-{identity[:16]}.lock"
