"""Time by the clock and of the CPU, in interleaved rounds, and peak memory."""

from __future__ import annotations

import ctypes
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLING_SECONDS = 0.002


@dataclass(frozen=True)
class Seconds:
    """How long something took by the clock, and on the CPU in all threads of the process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """The present time."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: Seconds) -> Seconds:
        """What passed since ``start``."""
        return Seconds(self.wall - start.wall, self.cpu - start.cpu)


@dataclass(frozen=True)
class Spread:
    """Values of several rounds: ``str`` gives "0.93 (0.91 to 0.96)", the extremes in brackets."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


def timed(run: Callable[[], object]) -> Seconds:
    """The time of one run."""
    started = Seconds.now()
    run()
    return Seconds.now().since(started)


def interleaved(
    runs: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[Seconds, ...]]:
    """Time all runs once in each round, so that they meet the same load of the machine.

    A first round, which warms caches, is not counted.
    """
    times: dict[str, list[Seconds]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            times[name].append(timed(run))
    return {name: tuple(found[1:]) for name, found in times.items()}


def speeds(bare: Sequence[Seconds], other: Sequence[Seconds]) -> Spread:
    """Speed of ``other`` as a ratio to ``bare`` in each round, by the clock."""
    return Spread(tuple(b.wall / o.wall for b, o in zip(bare, other, strict=True)))


def median_wall(times: Sequence[Seconds]) -> float:
    """Median seconds by the clock."""
    return statistics.median(own.wall for own in times)


def allocated() -> float:
    """Memory of this process in megabytes, without files that it has mapped (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def peak_growth(run: Callable[[], object]) -> float:
    """How far memory grows while ``run`` runs, in megabytes.

    Pages of mapped files, such as the chips of a prepared set, do not count: the system takes them
    back when it needs room.
    """
    # Memory that was freed but kept by the C library would hide a part of the growth.
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    start = peak = allocated()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_SAMPLING_SECONDS):
            peak = max(peak, allocated())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return max(peak, allocated()) - start
