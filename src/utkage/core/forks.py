"""What forked processes must renew: locks that a thread held, which is not in them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def call_after_fork(renew: Callable[[], None]) -> None:
    """Call a function in every process that is forked from this one, where there are any."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


class ModuleLock:
    """A lock of a module, which is free in forked processes whoever held it."""

    def __init__(self) -> None:
        self._renew()
        call_after_fork(self._renew)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def _renew(self) -> None:
        self._lock = threading.Lock()
