"""Memory reuse: glibc keeps freed memory for the next training step."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Constants of <malloc.h>.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_LARGEST = 2**31 - 1
# The largest values of glibc's own dynamic adjustment.
_USUAL_MMAP = 32 << 20
_USUAL_TRIM = 2 * _USUAL_MMAP


@contextmanager
def keeping_freed_memory() -> Iterator[bool]:
    """Keep large freed blocks of memory in this process while the body runs, if glibc manages them.

    By default, glibc returns blocks above 32 MB to the system, which must clear their pages when
    they are allocated again. Training steps on a CPU allocate the same large tensors each time, so
    this can take a third of their time. Peak memory is the same; it is returned after the body.

    Yields:
        Whether the setting took effect. Without glibc, nothing changes.
    """
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    mallopt, trim = getattr(libc, "mallopt", None), getattr(libc, "malloc_trim", None)
    if mallopt is None or trim is None:
        yield False
        return
    try:
        yield all(mallopt(option, _LARGEST) == 1 for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
    finally:
        mallopt(_MMAP_THRESHOLD, _USUAL_MMAP)
        mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
        trim(0)
