"""libtiff, which Pillow runs, without its own messages on stderr."""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache


@cache
def silence_libtiff() -> None:
    """Turn off what libtiff prints for damaged files; Pillow raises an error for each of them.

    Where Pillow has libtiff inside itself, as on Windows, its messages stay.
    """
    from PIL import _imaging

    with contextlib.suppress(AttributeError, OSError):
        # Names are also searched for in the libraries that this one loads.
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            handler = getattr(library, name)
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)
