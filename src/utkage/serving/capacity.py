"""How much a server holds at once: pictures, or bytes of bodies."""

from __future__ import annotations

import threading
from types import TracebackType


class CapacityError(Exception):
    """More would be held than the server can hold at once."""


class Capacity:
    """A count with an upper bound, for any number of threads.

    Args:
        most: Largest count.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How much is held now."""
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be held."""
        return self._count >= self._most

    def take(self, number: int) -> None:
        """Add to the count, all or nothing.

        Raises:
            CapacityError: the count would pass its bound.
        """
        with self._lock:
            if self._count + number > self._most:
                raise CapacityError
            self._count += number

    def leave(self, number: int) -> None:
        """Subtract what was taken."""
        with self._lock:
            self._count -= number


class Share:
    """What one request takes of a capacity; it leaves all of it at the end of a ``with`` block.

    Args:
        capacity: Where it takes from.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self.count = 0

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._capacity.leave(self.count)

    def take(self, number: int) -> None:
        """Take more.

        Raises:
            CapacityError: the capacity has no more.
        """
        self._capacity.take(number)
        self.count += number
