"""Too little memory: the errors of Python, NumPy, torch, ONNX Runtime and OpenCV as one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from utkage.core.errors import UtkageError

# torch and ONNX Runtime raise errors of general kinds, which only their texts tell apart.
_SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "failed to allocate memory",
    "unable to allocate",
    "insufficient memory",
    "bad_alloc",
    "bad allocation",
)


def is_memory_error(error: BaseException) -> bool:
    """Whether an error of any library says that memory could not be allocated."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return any(sign in text for sign in _SIGNS)


@contextlib.contextmanager
def explaining_memory_errors(advice: str) -> Iterator[None]:
    """Raise a ``UtkageError`` with ``advice``, such as what to lower, if memory runs out."""
    try:
        yield
    except UtkageError:
        raise
    except Exception as error:
        if not is_memory_error(error):
            raise
        raise UtkageError(f"out of memory; {advice}") from error
