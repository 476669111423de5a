"""The bytes of a picture: from a path or an open file, and never more than a limit."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

from utkage.core.errors import ImageError

MOST_BYTES = 512 * 1024**2
"""Largest size of a picture file; one of 100 million pixels without compression has 300 MB."""

# Pipes that a shell opened for this process, as in `utkage predict <(command)`, have a writer.
_OPEN_PIPES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
_NOT_PLAIN = "is not a plain file; copy the picture into one"
_TOO_LONG = f"is longer than {MOST_BYTES:,} bytes; save the picture in a smaller file"


def read_path(path: Path, name: str) -> bytes:
    """All bytes of a file, or of a pipe that is open for this process.

    Raises:
        ImageError: it cannot be read or is too long; the message begins with ``name``.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name}: is a folder; name the pictures in it")
        # A pipe without a writer, or a device, could be read for ever.
        if not (stat.S_ISREG(status.st_mode) or _is_open_pipe(path, status.st_mode)):
            raise ImageError(f"{name}: {_NOT_PLAIN}")
        if stat.S_ISREG(status.st_mode):
            require_size(status.st_size, name)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name}: cannot be read ({reason}); check the file") from error
    require_size(len(content), name)
    return content


def read_stream(stream: object) -> bytes:
    """All bytes of an open file, from its beginning where it can be rewound, as in Pillow.

    Raises:
        ImageError: it cannot be read, is too long, or gives something other than bytes.
    """
    name = type(stream).__name__
    read = getattr(stream, "read", None)
    if read is None:
        raise ImageError(f"{name} is not a picture; give a path, bytes, an open file or an array")
    try:
        with contextlib.suppress(OSError, AttributeError, TypeError):
            stream.seek(0)  # type: ignore[attr-defined]
        try:
            content = read(MOST_BYTES + 1)
        except TypeError:
            # Some uploads can only be read as a whole.
            content = read()
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read ({error}); open the file again") from error
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise ImageError(
            f"{name} gives {type(content).__name__} instead of bytes; open the file in binary "
            "mode ('rb'), or give its bytes"
        )
    require_size(len(content), name)
    return bytes(content)


def require_size(size: int, name: str) -> None:
    """Refuse a picture file of more than ``MOST_BYTES`` bytes.

    Raises:
        ImageError: it is too long; the message begins with ``name``.
    """
    if size > MOST_BYTES:
        raise ImageError(f"{name}: {_TOO_LONG}")


def _is_open_pipe(path: Path, mode: int) -> bool:
    return stat.S_ISFIFO(mode) and str(path).startswith(_OPEN_PIPES)
