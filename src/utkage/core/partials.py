"""Temporary files of outputs, and the removal of those that killed processes have left.

The temporary file of ``faces.onnx`` is ``.faces.<16 digits>.partial.onnx`` in the same folder. Its
writer holds a lock on it, so one without is of a process that was killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from utkage.core.locks import lock_handle
from utkage.core.text import cut_to_bytes

_NAME = re.compile(r"\.(?P<stem>.*)\.[0-9a-f]{16}\.partial(?P<suffix>(\.[^.]*)?)", re.DOTALL)
# A name that is nearly too long leaves no room for more in its temporary name.
_STEM_BYTES = 100


@contextlib.contextmanager
def partial_file(path: Path) -> Iterator[Path]:
    """Yield an empty temporary file for ``path``, locked; it is removed if it is still there.

    It has the suffix of ``path``, because some writers choose their format by it.
    """
    partial = _partial_path(path)
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _mark_as_live(handle)
        yield partial
    finally:
        os.close(handle)
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def partial_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder for ``path``, locked; it is removed if it is still there."""
    partial = _partial_path(path)
    partial.mkdir()
    handle = None if os.name == "nt" else os.open(partial, os.O_RDONLY)
    try:
        if handle is not None:
            _mark_as_live(handle)
        yield partial
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(partial, ignore_errors=True)


def shortened(name: str) -> str:
    """A file name as it is in temporary names: cut, but still different from any other."""
    path = PurePath(name)
    stem = cut_to_bytes(path.stem, _STEM_BYTES)
    if stem == path.stem:
        return name
    return f"{stem}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}{path.suffix}"


def output_of(name: str) -> str | None:
    """The (``shortened``) name of the output that a temporary file is for; None for others.

    >>> output_of(".faces.0123456789abcdef.partial.onnx"), output_of(".mine.partial.onnx")
    ('faces.onnx', None)
    """
    match = _NAME.fullmatch(name)
    return None if match is None else match["stem"] + match["suffix"]


def remove_dead_partials(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Remove temporary files and folders that killed processes have left in ``folder``.

    Those that a living process writes stay. The caller holds the lock of the outputs, because some
    file systems cannot tell.

    Args:
        folder: Folder of the outputs; nothing happens if it does not exist.
        is_own: Whether the caller writes an output of this (``shortened``) name.
    """
    if not folder.is_dir():
        return
    for path in list(folder.iterdir()):
        output = output_of(path.name)
        if output is not None and is_own(output) and not _is_live(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_own_partials() -> None:
    """Remove the temporary files and folders that this process is writing, before it ends at once.

    They are found among its open files, which only Linux lists; elsewhere the next run of the
    command removes them.
    """
    with contextlib.suppress(OSError):
        for handle in list(Path("/proc/self/fd").iterdir()):
            with contextlib.suppress(OSError):
                path = handle.readlink()
                # An input may have such a name as well, but nobody locks it.
                if output_of(path.name) is None or not _is_live(path):
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def _partial_path(path: Path) -> Path:
    # The temporary file of a temporary file belongs to the same output.
    short = PurePath(output_of(path.name) or shortened(path.name))
    return path.with_name(f".{short.stem}.{secrets.token_hex(8)}.partial{short.suffix}")


def _mark_as_live(handle: int) -> None:
    # The locks of Windows would keep the writer itself out. Some file systems have none.
    if os.name != "nt":
        with contextlib.suppress(OSError):
            lock_handle(handle)


def _is_live(path: Path) -> bool:
    """Whether a process is writing a temporary file, or whether it is no file of a writer."""
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            return True
        if os.name == "nt":
            return False
        handle = os.open(path, (os.O_RDONLY if stat.S_ISDIR(mode) else os.O_RDWR) | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        lock_handle(handle)
    except BlockingIOError:
        return True
    except OSError:
        # No locks here; whoever holds that of the output decides.
        return False
    finally:
        os.close(handle)
    return False
