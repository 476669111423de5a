"""Reading ahead: order, overlap, errors and an early end."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from utkage.core.read_ahead import read_ahead

SLOW = 0.02


def test_results_come_in_the_order_of_the_items() -> None:
    def read(item: int) -> int:
        time.sleep(0.003 * (item % 3))
        return item * item

    assert list(read_ahead(read, range(12), 4)) == [item * item for item in range(12)]
    assert list(read_ahead(read, [], 2)) == []


def test_reading_takes_place_while_results_are_used() -> None:
    def read(item: int) -> int:
        time.sleep(SLOW)
        return item

    started = time.perf_counter()
    for _ in read_ahead(read, range(15), 2):
        time.sleep(SLOW)
    # One after the other they take 30 times as long; together, 16 times.
    assert time.perf_counter() - started < 23 * SLOW


def test_no_more_is_read_than_asked_for() -> None:
    begun: list[int] = []
    results = read_ahead(lambda item: begun.append(item) or item, range(100), 3)
    with closing(results):
        for expected in range(5):
            assert next(results) == expected
        time.sleep(SLOW)
        assert max(begun) == 4 + 3


def test_an_error_comes_in_place_of_its_result() -> None:
    def read(item: int) -> int:
        if item == 3:
            raise OSError(5, "Input/output error", "chips.u8")
        return item

    seen = []
    results = read_ahead(read, range(10), 2)
    with pytest.raises(OSError, match=r"chips\.u8"):
        seen.extend(results)
    results = read_ahead(read, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match=r"chips\.u8"):
        next(results)


def test_an_early_end_waits_for_nothing_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    release, begun = threading.Event(), []

    def read(item: int) -> int:
        begun.append(item)
        if item:
            release.wait(30)
        return item

    started = time.perf_counter()
    with closing(read_ahead(read, range(50), 2)) as results:
        assert next(results) == 0
    assert time.perf_counter() - started < 5
    release.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    assert max(begun) <= 1, "what had not begun is not read"
