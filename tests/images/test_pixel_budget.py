"""Large pictures wait for each other, and small ones for nobody."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from utkage.images.pixel_budget import PixelBudget


def _most_at_once(budget: PixelBudget, pixels: int) -> int:
    lock = threading.Lock()
    inside, most = 0, 0

    def decode(_: int) -> None:
        nonlocal inside, most
        with budget.taking(pixels):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, range(24)))
    return most


def test_pictures_are_decoded_together_up_to_the_budget() -> None:
    budget = PixelBudget(100)
    assert _most_at_once(budget, 1_000) == 1
    assert _most_at_once(budget, 60) == 1
    assert _most_at_once(budget, 30) <= 3
    assert 4 < _most_at_once(budget, 1) <= 8
