"""How many pixels are decoded at the same time, which decides how much memory that takes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# A pixel takes up to 8 bytes while it is decoded. Photographs of the usual sizes never wait.
_PIXELS = max(100_000_000, 12_500_000 * (os.cpu_count() or 1))


class PixelBudget:
    """Lets threads decode pictures at the same time as long as those have few pixels together.

    A picture that has more than the whole budget is decoded alone.
    """

    def __init__(self, pixels: int = _PIXELS) -> None:
        self._pixels = pixels
        self.renew()

    def renew(self) -> None:
        """Forget the pictures that are being decoded, whose threads are not in a forked process."""
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for a picture of ``pixels`` pixels, and keep it in the body."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._pixels)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
