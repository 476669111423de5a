"""Reading on another thread what a loop needs next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

from utkage.core.pools import thread_pool

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    read: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Generator[Result, None, None]:
    """Yield ``read(item)`` for each item in order, up to ``depth`` of them read in advance.

    One other thread calls ``read``. What it raises is raised here, in place of its result, and ends
    the generator. A caller that stops early closes the generator (``contextlib.closing``): what is
    being read then ends on its own, and nothing more is read.
    """
    waiting: deque[Future[Result]] = deque()
    with thread_pool(1) as pool:
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
