"""Files at addresses such as ``s3://bucket/a.jpg``, read with fsspec."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import BinaryIO, cast

from utkage.core.errors import DataError, ImageError, UsageError
from utkage.images.addresses import is_file_url, local_path
from utkage.images.contents import MOST_BYTES, require_size

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# A server that fails may work again after a moment.
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5


def is_address(name: str) -> bool:
    """Whether a name is an address of anything but a local file."""
    return _ADDRESS.match(name) is not None and not is_file_url(name)


def require_allowed(address: str, allow_download: bool) -> None:
    """Refuse an address that the user has not allowed.

    Raises:
        UsageError: reading addresses is not allowed, or the address is chained.
    """
    if "::" in address:
        raise UsageError(f"{address}: chained addresses are not supported; name one file")
    if not allow_download:
        raise UsageError(f"{address}: reading an address needs `allow_download=True`")


def open_source(name: str) -> BinaryIO:
    """Open a local file, or an address that ``require_allowed`` has accepted, for reading.

    Raises:
        DataError: it cannot be read; the message names it and the reason.
    """
    if not is_address(name):
        path = Path(local_path(name))
        try:
            return path.open("rb")
        except OSError as error:
            raise DataError(f"{name}: cannot be read ({error.strerror}); check the file") from error
    import fsspec

    try:
        return cast("BinaryIO", fsspec.open(name, "rb").open())
    # Every file system has exceptions of its own.
    except Exception as error:
        raise DataError(_unreadable(name, error)) from error


def read_address(address: str) -> bytes:
    """All bytes of a picture at an address, after up to three attempts.

    Raises:
        ImageError: it cannot be read, or is too long; the message names it and the reason.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with open_source(address) as file:
                content = file.read(MOST_BYTES + 1)
            require_size(len(content), address)
            return content
        except ImageError:
            raise
        except Exception as error:
            cause = error.__cause__ if isinstance(error, DataError) else error
            final = isinstance(cause, FileNotFoundError | PermissionError | ImportError)
            if final or attempt == _ATTEMPTS:
                reason = str(error) if isinstance(error, DataError) else _unreadable(address, error)
                raise ImageError(reason) from error
            time.sleep(_PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable")


def matching_addresses(pattern: str) -> list[str]:
    """The addresses that a pattern such as ``s3://bucket/*.tar`` matches, sorted.

    Raises:
        DataError: the place cannot be listed.
        UsageError: nothing matches.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(pattern)
        found = sorted(str(system.unstrip_protocol(name)) for name in system.glob(path))
    except Exception as error:
        raise DataError(_unreadable(pattern, error)) from error
    if not found:
        raise UsageError(f"{pattern}: the pattern matches no file")
    return found


def size_of(name: str) -> int:
    """Size of a file in bytes.

    Raises:
        DataError: it cannot be read.
    """
    with open_source(name) as file:
        return file.seek(0, 2)


def _unreadable(address: str, error: BaseException) -> str:
    if isinstance(error, ImportError):
        reason = " ".join(str(error).split())
        return f"{address}: needs one more package on every node of the cluster ({reason})"
    if isinstance(error, FileNotFoundError):
        return f"{address}: no such file; check the address"
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return f"{address}: cannot be read ({type(error).__name__}: {reason}); check the address"
