"""Whether training steps take far longer than they should, and why."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from utkage.core.processors import available_processors

# Steps after which the speed is judged; the first ones of a size choose algorithms.
WARM_UP = 2
WINDOW = 8
# A step takes far longer than it should at this multiple of the time that it computes.
FAR_SLOWER = 2.5
# Other programs matter if they ask for this share of the processors.
BUSY_SHARE = 0.5


def contention(
    seconds: float, processor_seconds: float, threads: int, load: float, processors: int
) -> str | None:
    """A sentence if other programs slow steps down far; else None.

    Args:
        seconds: Time of a step.
        processor_seconds: Time that all threads of this process computed in it, seconds.
        threads: Number of threads that compute.
        load: Mean number of threads on the machine that compute or wait for a processor.
        processors: Number of processors that the process may use.
    """
    alone = processor_seconds / threads
    others = load - threads
    if seconds < FAR_SLOWER * alone or others < BUSY_SHARE * processors:
        return None
    advice = "" if threads == 1 else "; `threads=1` may be faster"
    return (
        f"other programs use the processors (load {load:.1f} on {processors}): a step takes "
        f"{seconds:.2g} s, of which it computes {alone:.2g} s{advice}"
    )


class StepSpeed:
    """The times of the last steps at one chip size, and of the fastest before.

    Attributes:
        seconds: Time of each step since the last judgement, the first ones included; with
            ``steps``, the mean of as many steps.
    """

    def __init__(self, threads: int, *, on_cpu: bool, steps: int = 1) -> None:
        """Measure steps that this number of ``threads`` compute, if they are ``on_cpu``.

        A GPU computes a step after the host has sent it, so single steps have no time there;
        ``steps`` is the number of steps after which the host waits for the device.
        """
        self.seconds: list[float] = []
        self._computed: list[float] = []
        self._threads, self._on_cpu = threads, on_cpu
        self._size = 0
        self._fastest = math.inf
        self._warned = False
        self._together = steps
        self._unfinished: list[tuple[float, float]] = []

    def start(self, size: int) -> None:
        """Begin steps at this chip size, pixels; steps at another one take another time."""
        if size != self._size:
            self._size, self._fastest = size, math.inf
        self.seconds, self._computed, self._unfinished = [], [], []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Measure the body, which is a step."""
        started, computed = time.perf_counter(), time.process_time()
        yield
        own = time.perf_counter() - started, time.process_time() - computed
        self._unfinished.append(own)
        if len(self._unfinished) == self._together:
            seconds, processor_seconds = zip(*self._unfinished, strict=True)
            self.seconds.append(statistics.fmean(seconds))
            self._computed.append(statistics.fmean(processor_seconds))
            self._unfinished = []

    def problem(self, least: int = WARM_UP + WINDOW) -> str | None:
        """A sentence if at least so many steps were far too slow; only once."""
        if len(self.seconds) < least:
            return None
        first = min(WARM_UP, len(self.seconds) - 1)
        seconds = statistics.median(self.seconds[first:])
        computed = statistics.median(self._computed[first:])
        del self.seconds[WARM_UP:], self._computed[WARM_UP:]
        found = None
        if self._on_cpu:
            found = contention(seconds, computed, self._threads, _load(), available_processors())
        if found is None and seconds > FAR_SLOWER * self._fastest:
            found = f"a step now takes {seconds:.2g} s; it took {self._fastest:.2g} s before"
        self._fastest = min(self._fastest, seconds)
        if found is None or self._warned:
            return None
        self._warned = True
        return found


def _load() -> float:
    """Load average of the last minute; 0 where the system has none (Windows)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
