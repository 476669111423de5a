"""Stopping a training politely: between two steps, with everything saved."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from utkage.core.reporter import Reporter


@contextlib.contextmanager
def stop_between_steps(
    agree: Callable[[bool], bool] = bool,
) -> Iterator[Callable[[], None]]:
    """Hold back SIGINT and SIGTERM, which could strike in the middle of an update.

    Args:
        agree: From whether a signal came to this process, to whether all are to stop.

    A signal that came behind the last call of what is yielded is raised at the end of the body.

    Yields:
        A function to call after each whole step; it raises KeyboardInterrupt if a signal came.
    """
    came = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        came.set()

    def check() -> None:
        if agree(came.is_set()):
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        # Signals only ever reach the main thread.
        yield check
        return
    former = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    check()


@contextlib.contextmanager
def saving_on_interrupt(
    save: Callable[[], None], folder: Path, reporter: Reporter
) -> Iterator[None]:
    """Call ``save`` when the body is interrupted, and say how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        save()
        reporter.warn(f"stopped; the same command with --run {folder} goes on from here")
        raise
