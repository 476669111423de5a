"""Signals that ask a process to stop, and when they do so."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

# A terminal that is closed sends SIGHUP; Windows does not have it.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# Time for which a signal waits for the end of an import, and how often it looks.
IMPORT_SECONDS = 1.0
_POLL_SECONDS = 0.05
Handler = Callable[[int, FrameType | None], None]


class Stopped(KeyboardInterrupt):
    """A signal other than that of Ctrl-C asks the process to stop; ``number`` is its number.

    As a ``KeyboardInterrupt``, it saves and cleans up whatever Ctrl-C does.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def interruption(number: int) -> KeyboardInterrupt:
    """The exception for a signal: a plain ``KeyboardInterrupt`` for SIGINT, and for 0."""
    return KeyboardInterrupt() if number in (0, signal.SIGINT) else Stopped(number)


def stop_message(number: int) -> str:
    """What a stop signal did, as an error message."""
    return "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"


def signal_again(number: int) -> None:
    """Send a signal to the main thread from another one; it ends the sleep of the main thread."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def on_stop_signals(handle: Handler) -> dict[int, Any]:
    """Call ``handle`` for the ``STOP_SIGNALS`` from now on; return the former handlers.

    A signal that the process ignores, as under ``nohup``, stays ignored. Signals reach only the
    main thread, so nothing changes in others.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    former = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    # None stands for a handler that Python cannot set again.
    changed = {n: h for n, h in former.items() if h not in (signal.SIG_IGN, None)}
    for number in changed:
        signal.signal(number, handle)
    return changed


@contextlib.contextmanager
def raising_stop_signals() -> Iterator[Callable[[], int]]:
    """Raise the ``interruption`` of a stop signal as soon as it arrives.

    Many packages turn an exception in the middle of an import into another one, or swallow it. A
    signal that arrives there is therefore raised after the import, if that ends soon.

    Yields:
        A function that returns the number of the last signal, 0 if none arrived.
    """
    raising = _Raising()
    with _handling(raising):
        try:
            yield lambda: raising.number
        finally:
            raising.timer.cancel()


@contextlib.contextmanager
def deferred_stop_signals(*, second_interrupts: bool = False) -> Iterator[Callable[[], int]]:
    """Record stop signals while the body runs, instead of interrupting it.

    With ``second_interrupts``, a second signal interrupts at once.

    Yields:
        A function that returns the number of the first signal, 0 if none arrived.
    """
    recording = _Recording(second_interrupts)
    arrived = recording.arrived
    with _handling(recording) as former:
        # An interrupt before this body that was swallowed.
        arrived += {h.number for h in former.values() if isinstance(h, _Raising) and h.number}
        yield lambda: arrived[0] if arrived else 0


@contextlib.contextmanager
def work_to_save() -> Iterator[None]:
    """Give the process time to save its work after a stop signal in the body (``is_saving``)."""
    handlers = [h for h in map(signal.getsignal, STOP_SIGNALS) if isinstance(h, _Raising)]
    for handler in handlers:
        handler.saves = True
    try:
        yield
    finally:
        for handler in handlers:
            handler.saves = False


def is_saving() -> bool:
    """Whether a stop signal has to wait now: work is being finished, or would be saved first."""
    return any(getattr(signal.getsignal(number), "saves", False) for number in STOP_SIGNALS)


@contextlib.contextmanager
def _handling(handle: Handler) -> Iterator[dict[int, Any]]:
    """Call ``handle`` for stop signals while the body runs; yields the former handlers."""
    former = on_stop_signals(handle)
    try:
        yield former
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Recording:
    """A handler that keeps the numbers of signals; a second one raises if it may."""

    saves = True

    def __init__(self, second_interrupts: bool) -> None:
        self.arrived: list[int] = []
        self._second_interrupts = second_interrupts

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._second_interrupts and self.arrived:
            raise interruption(number)
        self.arrived.append(number)


class _Raising:
    """A handler that raises; ``number`` is that of the last signal, 0 before the first."""

    def __init__(self) -> None:
        self.number = 0
        self.saves = False
        self.timer = threading.Timer(0, signal_again)
        self._patient_until = math.inf

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.number:
            self._patient_until = now + IMPORT_SECONDS
        self.number = number
        self.timer.cancel()
        if now >= self._patient_until or not _is_importing(frame):
            raise interruption(number)
        self.timer = threading.Timer(_POLL_SECONDS, signal_again, (number,))
        self.timer.daemon = True
        self.timer.start()


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
