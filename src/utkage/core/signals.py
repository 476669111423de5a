"""SIGINT and SIGTERM, handled at a convenient time."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def deferred_stop_signals(*, second_interrupts: bool = False) -> Iterator[Callable[[], bool]]:
    """Record SIGINT and SIGTERM while the body runs, instead of interrupting it.

    Signals reach only the main thread; in other threads, nothing changes. With
    ``second_interrupts``, a second signal raises KeyboardInterrupt at once.

    Yields:
        A function that returns whether a signal arrived.
    """
    arrived = threading.Event()

    def record(number: int, frame: FrameType | None) -> None:
        if second_interrupts and arrived.is_set():
            raise KeyboardInterrupt
        arrived.set()

    if threading.current_thread() is not threading.main_thread():
        yield arrived.is_set
        return
    former = {number: signal.signal(number, record) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield arrived.is_set
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
