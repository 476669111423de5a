"""Pools of threads that do not hold up the end of an interrupted computation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def thread_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of ``workers`` threads; the end of the body waits for its jobs.

    If the body ends by an exception, as when Ctrl-C interrupts it or its generator is closed, jobs
    that have not begun are dropped and nothing waits for the others: they end on their own, and
    what they return is lost.
    """
    pool = ThreadPoolExecutor(max_workers=workers)
    finished = False
    try:
        yield pool
        finished = True
    finally:
        pool.shutdown(wait=finished, cancel_futures=not finished)
