"""Threads of the processor: how they wait for each other, and how many there are."""

from __future__ import annotations

import functools
import os
import sys

from utkage.core.errors import ConfigError
from utkage.core.forks import call_after_fork
from utkage.core.processors import processor_limit

_WAIT_POLICY = "OMP_WAIT_POLICY"


def prefer_passive_waiting() -> bool:
    """Let threads of PyTorch sleep while they wait for each other, unless the environment decides.

    By default, OpenMP lets them wait busily. If other programs use the processors, a waiting
    thread then takes the time of the one that it waits for, and training steps take several times
    as long. OpenMP reads the setting when PyTorch is first imported.

    Returns:
        Whether the setting is in time: False if PyTorch is loaded already.
    """
    os.environ.setdefault(_WAIT_POLICY, "passive")
    return "torch" not in sys.modules


def use_threads(count: int | None) -> None:
    """Let PyTorch use this number of threads on the CPU.

    None lets it choose, but no more than this process has processors (``core.processors``).

    Raises:
        ConfigError: fewer than one.
    """
    if count is not None and count < 1:
        raise ConfigError(f"`threads` {count}: use 1 or more")
    limit = processor_limit()
    if count is None and limit is None:
        return
    import torch

    torch.set_num_threads(count or min(torch.get_num_threads(), limit or 1))


@functools.cache
def use_one_thread_after_fork() -> None:
    """Let PyTorch use one thread in processes that are forked from this one.

    The threads that it has started are not in them, and it would wait for them for ever.
    """
    call_after_fork(_use_one_thread)


def _use_one_thread() -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
