import os
import threading

import pytest

from utkage.core.forks import ModuleLock, call_after_fork
from utkage.images.pixel_budget import PixelBudget

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork of POSIX")
LOCK = ModuleLock()
BUDGET = PixelBudget(10)
call_after_fork(BUDGET.renew)


def use_both() -> None:
    with LOCK, BUDGET.taking(10):
        pass


def test_a_forked_process_can_use_what_a_thread_of_its_parent_held() -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with LOCK, BUDGET.taking(10):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:
        # Ends the child if it waits for ever.
        import signal

        signal.alarm(10)
        use_both()
        os._exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    done.set()
    thread.join()
    assert status == 7
    use_both()


def test_one_thread_at_a_time() -> None:
    inside = most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with LOCK:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)
