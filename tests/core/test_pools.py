"""A pool waits for its jobs, unless its body is interrupted."""

from __future__ import annotations

import threading

import pytest

from utkage.core.pools import thread_pool


def test_the_end_waits_for_all_jobs() -> None:
    done: list[int] = []
    with thread_pool(2) as pool:
        for number in range(20):
            pool.submit(done.append, number)
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, ValueError])
def test_an_interrupt_waits_for_no_job(error: type[BaseException]) -> None:
    release, begun = threading.Event(), threading.Event()
    done: list[int] = []

    def work() -> None:
        begun.set()
        release.wait(30)
        done.append(0)

    def interrupted() -> None:
        with thread_pool(1) as pool:
            pool.submit(work)
            pool.submit(done.append, 1)
            begun.wait(30)
            raise error

    with pytest.raises(error):
        interrupted()
    assert not done
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(30)
    # The job that had begun ended, and the other one was dropped.
    assert done == [0]
