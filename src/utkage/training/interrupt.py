"""Stopping a training between two steps, with everything saved."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from utkage.core.reporter import Reporter
from utkage.core.signals import deferred_stop_signals


@contextlib.contextmanager
def stop_between_steps(
    agree: Callable[[bool], bool] = bool,
) -> Iterator[Callable[[], None]]:
    """Hold back SIGINT and SIGTERM, which could strike in the middle of an update.

    A signal after the last call of the yielded function is raised at the end of the body.

    Args:
        agree: Function from whether this process received a signal to whether all processes stop.

    Yields:
        A function to call after each whole step; it raises KeyboardInterrupt if a signal came.
    """
    with deferred_stop_signals() as came:

        def check() -> None:
            if agree(came()):
                raise KeyboardInterrupt

        yield check
    if threading.current_thread() is threading.main_thread():
        check()


@contextlib.contextmanager
def saving_on_interrupt(
    save: Callable[[], None], folder: Path, reporter: Reporter
) -> Iterator[None]:
    """Call ``save`` when the body is interrupted, and explain how to resume."""
    try:
        yield
    except KeyboardInterrupt:
        save()
        reporter.warn(f"stopped; the same command with `run={folder}` resumes it")
        raise
