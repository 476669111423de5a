"""A limit on the time between a stop signal and the end of the process.

Python calls its handlers of signals in the main thread and between two instructions, so Ctrl-C
during a long call into PyTorch, ONNX Runtime or OpenCV waits for the end of that call. The C code
of Python, however, writes the number of every signal into a pipe at once (``set_wakeup_fd``).
A thread reads it, and ends the process if the main thread has not done so in time.

Ending at once is safe because ``kill -9`` is: outputs get their names only when they are complete,
locks end with their process, and the next run removes what is left. Training and videos finish and
save their work after a signal (``core.signals.is_saving``). They have no limit, but the user is
notified, and a second signal sets one.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable

from utkage.core.partials import remove_own_partials
from utkage.core.signals import STOP_SIGNALS, is_saving, stop_message

# Time for the main thread to end the process by itself, and how often the thread looks.
GRACE_SECONDS = 1.5
_POLL_SECONDS = 0.05
# A terminal and a parent process often pass on the same Ctrl-C, so a second signal comes later.
_APART_SECONDS = 1.0
_NOTICE = "stopping as soon as the work is saved; press Ctrl-C again to end without saving"
_SHOW_CURSOR = b"\x1b[?25h"


class StopLimit:
    """Watches for stop signals from ``start`` on.

    Args:
        end: Function that ends the process, from the number of the signal.
        tell: Function that prints a line.
        grace: Seconds between a signal and ``end``.
        apart: Shortest time between a signal and a second one of the user, seconds.
    """

    def __init__(
        self,
        end: Callable[[int], None],
        tell: Callable[[str], None],
        *,
        grace: float = GRACE_SECONDS,
        apart: float = _APART_SECONDS,
    ) -> None:
        self._end, self._tell = end, tell
        self._grace, self._apart = grace, apart
        self._reader, self._writer = os.pipe()

    def start(self) -> None:
        """Watch from now on; for the main thread."""
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # A forked process would report its own signals to this one.
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            number = self._arrived(None)
            if number and self._is_over():
                self._end(number)
                return

    def _is_over(self) -> bool:
        """Wait until the time since the signal that has just arrived is over.

        False as soon as the main thread has received the signal and saved its work, which ends the
        process or, for a live stream, the stream.
        """
        came = time.monotonic()
        notified = False
        while not is_saving():
            if time.monotonic() - came >= self._grace:
                return True
            self._arrived(_POLL_SECONDS)
        while is_saving():
            if not notified and time.monotonic() - came >= self._grace:
                notified = True
                self._tell(_NOTICE)
            if self._arrived(_POLL_SECONDS) and time.monotonic() - came >= self._apart:
                time.sleep(self._grace)
                return True
        return False

    def _arrived(self, seconds: float | None) -> int:
        """The number of a stop signal that arrives within a time; 0 without one."""
        if not select.select([self._reader], [], [], seconds)[0]:
            return 0
        # Other signals with a handler of Python, such as that of a child's end, come here as well.
        return next((n for n in os.read(self._reader, 64) if n in STOP_SIGNALS), 0)


def limit_stop_time() -> Callable[[], None]:
    """End this process soon after a stop signal, whatever it does then.

    Returns:
        A function to call when the error has been printed, so that it is not printed again.
    """
    if os.name != "posix":
        # Windows wakes no pipes, and ends a process from outside.
        return lambda: None
    printed = threading.Event()

    def end(number: int) -> None:
        # Without Python's files: the main thread may hold their locks.
        with contextlib.suppress(OSError):
            if not printed.is_set():
                os.write(2, f"error: {stop_message(number)}\n".encode())
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)
        remove_own_partials()
        os._exit(128 + number)

    def tell(line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(2, f"{line}\n".encode())

    StopLimit(end, tell).start()
    return printed.set
