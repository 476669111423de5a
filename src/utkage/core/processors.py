"""How many processors this process may use, within the limits of its container."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def available_processors(control_groups: Path = _CONTROL_GROUPS) -> int:
    """Number of processors that this process may use, at least 1.

    It is that of the machine, or fewer where the process is bound to some of them (``taskset``,
    Slurm) or where its container has a quota of processor time (``docker run --cpus``, the limits
    of Kubernetes), which threads cannot exceed however many there are.

    Args:
        control_groups: Where Linux shows the quota of this container.
    """
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    quota = _quota(control_groups)
    # A part of a processor is worth a thread.
    return processors if quota is None else max(1, min(processors, math.ceil(quota)))


def processor_limit(control_groups: Path = _CONTROL_GROUPS) -> int | None:
    """As ``available_processors``, or None where that is the whole machine.

    Libraries choose well on a whole machine, often one thread per core; they overlook quotas.
    """
    available = available_processors(control_groups)
    return available if available < (os.cpu_count() or 1) else None


def _quota(control_groups: Path) -> float | None:
    """Processors' worth of time that the container may use; None without a limit.

    Version 2 of control groups has ``cpu.max`` (``200000 100000`` or ``max 100000``), version 1 two
    files with the same numbers, of which a negative one means no limit.
    """
    second = _numbers(control_groups / "cpu.max")
    first = [
        *_numbers(control_groups / "cpu" / "cpu.cfs_quota_us"),
        *_numbers(control_groups / "cpu" / "cpu.cfs_period_us"),
    ]
    for numbers in (second, first):
        if len(numbers) == 2 and numbers[0] > 0 and numbers[1] > 0:
            return numbers[0] / numbers[1]
    return None


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text().split() if word != "max"]
    except (OSError, ValueError):
        return []
