"""Signals that ask to stop, heard where it suits."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def noting_stop_signals(*, second_interrupts: bool = False) -> Iterator[Callable[[], bool]]:
    """Hold back SIGINT and SIGTERM, which could strike in the middle of something.

    Outside of the main thread, which alone is reached by signals, nothing is held back.

    Args:
        second_interrupts: Let a second signal raise KeyboardInterrupt where it strikes.

    Yields:
        A function that tells whether a signal came.
    """
    came = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if second_interrupts and came.is_set():
            raise KeyboardInterrupt
        came.set()

    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
