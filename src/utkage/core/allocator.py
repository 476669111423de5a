"""Telling the C library to keep freed memory for the next step."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Numbers of <malloc.h>.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_LARGEST = 2**31 - 1
# Where glibc's own adjustment of both ends.
_USUAL_MMAP = 32 << 20
_USUAL_TRIM = 2 * _USUAL_MMAP


@contextmanager
def keeping_freed_memory() -> Iterator[bool]:
    """Let this process hold on to large blocks that it frees in the body, where glibc manages them.

    By default glibc hands blocks above 32 MB back to the system, which clears their pages again
    when the next step asks for as much. A step of a network on a processor allocates the same
    large tensors again and again, so that this can cost a third of its time. Memory at its peak
    is the same; it is returned behind the body only.

    Yields:
        Whether it is done; elsewhere nothing happens.
    """
    mallopt, trim = _function("mallopt"), _function("malloc_trim")
    if mallopt is None or trim is None:
        yield False
        return
    try:
        yield all(mallopt(option, _LARGEST) == 1 for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
    finally:
        mallopt(_MMAP_THRESHOLD, _USUAL_MMAP)
        mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
        trim(0)


def _function(name: str) -> Callable[..., Any] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)
