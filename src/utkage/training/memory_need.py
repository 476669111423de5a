"""The memory that an optimiser step needs, compared with what is free before it is taken."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from utkage.core.errors import TrainingError
from utkage.data.batches import epoch_order
from utkage.training.config_groups import RunConfig
from utkage.training.loop import take_step
from utkage.training.systems.base import TrainableSystem

# Chips of the small step that is measured, and largest batch that needs no measurement.
_MEASURED = 16
# Copies of a batch as float32 that drawing and augmenting it takes at least.
_COPIES = 2


def require_memory(system: TrainableSystem, epoch: int) -> None:
    """Refuse a step that needs more memory than is free, by the need of a step of a few chips.

    The step changes the weights.

    Raises:
        TrainingError: how much a step of ``epoch`` needs, how much is free, and what to lower.
    """
    chips = _chips_per_step(system)
    if chips <= _MEASURED:
        return
    require_least_memory(system, epoch)
    kept = _KeptMemory()
    order = epoch_order(len(system.setup.train), system.setup.config.seed, 0)
    with torch.autograd.graph.saved_tensors_hooks(kept.keep, kept.give_back):
        take_step(system, system.read(order[:_MEASURED], epoch), 0, ())
    inputs = _COPIES * _input_bytes(system, epoch)
    _compare(system, epoch, chips * (kept.largest // _MEASURED + inputs))


def require_least_memory(system: TrainableSystem, epoch: int) -> None:
    """Refuse a step whose batch alone needs more memory than is free; measures nothing.

    Raises:
        TrainingError: as ``require_memory``.
    """
    least = _COPIES * _input_bytes(system, epoch)
    _compare(system, epoch, _chips_per_step(system) * least, "at least")


def largest_epoch(config: RunConfig) -> int:
    """The first epoch with the largest chips."""
    return max(range(config.epochs), key=config.size_of_epoch)


def free_memory(device: torch.device) -> int | None:
    """Bytes that can be allocated on a device; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    return None


def _compare(system: TrainableSystem, epoch: int, need: int, quality: str = "about") -> None:
    setup = system.setup
    free = free_memory(setup.device)
    if free is not None and need > free:
        raise TrainingError(
            f"{setup.device}: a step of {_chips_per_step(system)} chips at "
            f"{setup.config.size_of_epoch(epoch)} pixels needs {quality} {need / 1e9:,.1f} GB of "
            f"memory, but {free / 1e9:,.1f} GB are free; lower {system.memory_settings}"
        )


def _chips_per_step(system: TrainableSystem) -> int:
    """Number of chips that one process takes in a step."""
    chips = min(system.setup.config.batch_size, len(system.setup.train))
    return -(-chips // system.setup.group.size)


def _input_bytes(system: TrainableSystem, epoch: int) -> int:
    """Bytes of a chip as float32."""
    return 4 * 3 * system.setup.config.size_of_epoch(epoch) ** 2


class _KeptMemory:
    """Counts the bytes of tensors that a forward pass keeps for the backward pass."""

    def __init__(self) -> None:
        self.largest = 0
        self._now = 0
        self._users: dict[int, int] = {}

    def keep(self, tensor: torch.Tensor) -> Any:
        """Count a tensor; views of one another count once."""
        storage = tensor.untyped_storage()
        place, size = storage.data_ptr(), storage.nbytes()
        if not self._users.get(place):
            self._now += size
            self.largest = max(self.largest, self._now)
        self._users[place] = self._users.get(place, 0) + 1
        return _Kept(self, tensor, place, size)

    @staticmethod
    def give_back(kept: Any) -> torch.Tensor:
        """The tensor, for the backward pass."""
        tensor: torch.Tensor = kept.tensor
        return tensor

    def release(self, place: int, size: int) -> None:
        """Stop counting a tensor that is no longer kept."""
        self._users[place] -= 1
        if not self._users[place]:
            self._now -= size


class _Kept:
    def __init__(self, owner: _KeptMemory, tensor: torch.Tensor, place: int, size: int) -> None:
        self.tensor = tensor
        self._owner, self._place, self._size = owner, place, size

    def __del__(self) -> None:
        self._owner.release(self._place, self._size)
