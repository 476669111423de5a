"""Outputs that must not replace what the user would miss: inputs, and files of other programs."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from utkage.core.errors import UsageError


def require_output(
    path: Path,
    field: str,
    *,
    inputs: Iterable[Path | int] = (),
    is_ours: Callable[[Path], bool],
    overwrite: bool,
) -> None:
    """Refuse an output file that would replace an input or a file of another kind.

    Args:
        path: The file to write.
        field: Name of the setting, for messages.
        inputs: Files that the command reads, or numbers of open ones. They are never replaced, nor
            are files of another kind in folders among them.
        is_ours: Whether an existing file has the format of this output and is from this program.
        overwrite: Whether files of another kind may be replaced. Empty ones always are.

    Raises:
        UsageError: what is in the way, and what to do.
    """
    require_plain(path, field)
    if not path.exists():
        return
    inputs = list(inputs)
    if same_file(path, inputs):
        raise UsageError(f"`{field}` {path}: is an input of this command; name another file")
    if not path.stat().st_size or is_ours(path):
        return
    if same_file(path.resolve().parents, inputs):
        raise UsageError(
            f"`{field}` {path}: is in an input folder of this command and not an earlier output; "
            "name another file"
        )
    if not overwrite:
        raise UsageError(
            f"`{field}` {path}: exists and is not an earlier output of this kind; name another "
            "file, or replace it with `overwrite=True`"
        )


def require_plain(path: Path, field: str) -> None:
    """Refuse an output whose place something else than a file has, such as a device or a pipe.

    Raises:
        UsageError: there is such a thing.
    """
    if path.is_dir():
        raise UsageError(f"`{field}` {path}: is a folder; name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"`{field}` {path}: is a device or a pipe; name a file")


def require_inputs_stay(
    written: Iterable[Path], inputs: Iterable[tuple[str, Path]], *, problem: str, field: str
) -> None:
    """Refuse inputs that are among the files which a command writes into its folder.

    Args:
        written: The files that the command writes or removes.
        inputs: Name of the setting and path of each input.
        problem: What would happen to such an input, for the message.
        field: Name of the setting of the folder.

    Raises:
        UsageError: names the input.
    """
    written = list(written)
    for name, path in inputs:
        if same_file(path, written):
            raise UsageError(
                f"`{name}` {path}: {problem}; copy it elsewhere, or name another `{field}`"
            )


def contains(path: Path, text: str) -> bool:
    """Whether the bytes of a file contain a text, which files of this program have."""
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return content.find(text.encode()) >= 0
    except (OSError, ValueError):
        # A file that cannot be mapped, such as a device, is not from this program.
        return False


def same_file(path: Path | Iterable[Path], others: Iterable[Path | int]) -> bool:
    """Whether a path, or one of several, is one of the ``others``.

    Names do not matter: the same file may have several, and other letters may be capital.
    """
    known = {file_identity(other) for other in others} - {None}
    return any(file_identity(one) in known for one in ([path] if isinstance(path, Path) else path))


def file_identity(path: Path | int) -> tuple[int, int] | None:
    """Device and number of a file, given by its path or as an open one; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
