"""Training one network in several processes, started by ``torchrun``.

Each process trains on its share of every batch, DistributedDataParallel averages the gradients,
and only the first process validates and writes. Without ``torchrun`` there is one process, and
everything here does nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from utkage.core.errors import TrainingError

Value = TypeVar("Value")

# The other processes wait while the first one validates.
TIMEOUT = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Group:
    """The processes of one training.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process validates, writes and reports."""
        return self.rank == 0

    def share(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """This process's part of a batch; the parts of all processes are the batch."""
        return chosen[self.rank :: self.size]

    def total(self, value: float) -> float:
        """Sum of a number over all processes, the same in each."""
        if self.size == 1:
            return value
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        tensor = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.all_reduce(tensor)
        return float(tensor)

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum of a tensor over all processes, the same in each; waits for no GPU."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def any(self, value: bool) -> bool:
        """Whether ``value`` is true in any process."""
        return self.total(float(value)) > 0

    def from_first(self, value: Value) -> Value:
        """The value of the first process, in all processes."""
        if self.size == 1:
            return value
        values: list[Any] = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]  # type: ignore[no-any-return]


def started_by_torchrun() -> bool:
    """Whether ``torchrun`` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ and "RANK" in os.environ


def local_device(device: torch.device) -> torch.device:
    """``cuda`` as the GPU of this process on its machine; other devices as they are."""
    if str(device) == "cuda" and started_by_torchrun():
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


@contextlib.contextmanager
def process_group(device: torch.device) -> Iterator[Group]:
    """Join the other processes, if ``torchrun`` started this one.

    Raises:
        TrainingError: another process was lost; the message explains how to resume.
    """
    if not started_by_torchrun():
        yield Group()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        rendezvous_store, rank, size = next(rendezvous("env://"))
        # After a restart this store still holds the addresses of the lost processes.
        attempt = f"attempt-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        store = PrefixStore(attempt, rendezvous_store)
        distributed.init_process_group(
            backend, timeout=TIMEOUT, store=store, rank=rank, world_size=size
        )
        yield Group(distributed.get_rank(), distributed.get_world_size())
    except RuntimeError as error:
        # Gloo raises bare RuntimeErrors, with its source file in the message.
        if isinstance(error, distributed.DistError) or "gloo" in str(error):
            raise TrainingError(
                "another process of this training was lost; the same command with the same `run` "
                "resumes from the last checkpoint (torchrun --max-restarts does so by itself)"
            ) from error
        raise
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
