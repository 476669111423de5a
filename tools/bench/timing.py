"""How the benchmarks take time: by the clock, in turns with what they compare with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def clocked(run: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def speed_ratios(
    bare: Callable[[], object], others: Sequence[Callable[[], object]], rounds: int
) -> list[float]:
    """Median speed of each against ``bare``, which runs before and after it in each round."""
    found: list[list[float]] = [[] for _ in others]
    for run in (bare, *others):
        run()
    for _ in range(rounds):
        for ratios, other in zip(found, others, strict=True):
            before, own, after = clocked(bare), clocked(other), clocked(bare)
            ratios.append((before + after) / 2 / own)
    return [statistics.median(ratios) for ratios in found]
