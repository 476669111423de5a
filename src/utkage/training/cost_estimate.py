"""The cost of a training, measured on a few real steps and validation batches. Writes nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from utkage.core.allocator import keeping_freed_memory
from utkage.core.process_memory import peak_memory
from utkage.core.reporter import Reporter
from utkage.data.batches import epoch_order
from utkage.training.loop import take_step
from utkage.training.memory_need import require_memory
from utkage.training.step_speed import StepSpeed
from utkage.training.systems.base import BatchWork, TrainableSystem

# The first step of a size chooses algorithms and allocates memory; the others are alike.
WARM_UP = 1
MEASURED_STEPS = 3
MEASURED_BATCHES = 2


@dataclass(frozen=True)
class CostEstimate:
    """Time and disk space that a training needs.

    Attributes:
        step_seconds: Time of an optimiser step, by chip size in pixels.
        validation_seconds: Time of one validation, extrapolated.
        checkpoint_bytes: Size of the tensors of a checkpoint: weights, their average, optimisers.
        weights_bytes: Size of the tensors of a weights file.
        teacher_seconds: Time of the teachers' predictions, extrapolated; 0 without teachers.
    """

    step_seconds: dict[int, float]
    validation_seconds: float
    checkpoint_bytes: int
    weights_bytes: int
    teacher_seconds: float = 0.0


def estimate_cost(system: TrainableSystem, reporter: Reporter) -> CostEstimate:
    """Take a few steps at each chip size and validate a few batches.

    The weights change as they do in training.

    Raises:
        TrainingError: a loss that is not finite, or too little memory.
    """
    setup = system.setup
    config, device = setup.config, setup.device
    order = epoch_order(len(setup.train), config.seed, 0)
    seconds: dict[int, float] = {}
    for epoch in range(config.epochs):
        size = config.size_of_epoch(epoch)
        if size in seconds:
            continue
        require_memory(system, epoch)

        def step(number: int, epoch: int = epoch) -> None:
            first = number % setup.steps_per_epoch * config.batch_size
            read = system.read(order[first : first + config.batch_size], epoch)
            numbers = take_step(system, read, number, ())
            system.step_result(numbers.tolist(), number, ())

        seconds[size] = time_steps(step, f"steps at {size} pixels", device, reporter)
    weights = system.network.state_dict()
    return CostEstimate(
        seconds,
        time_batches(system.validation_work(), device),
        tensor_bytes((weights, system.average.network.state_dict(), system.state_dict())),
        tensor_bytes(weights),
        sum(time_batches(work, device) for work in system.preparation_work()),
    )


def time_steps(
    step: Callable[[int], object], label: str, device: torch.device, reporter: Reporter
) -> float:
    """Seconds per step: the median of a few, after a warm-up; steps are numbered from 0."""
    speed = StepSpeed(torch.get_num_threads(), on_cpu=device.type == "cpu")
    with keeping_freed_memory(), reporter.progress(label, WARM_UP + MEASURED_STEPS) as task:
        for number in range(WARM_UP + MEASURED_STEPS):
            with speed.step():
                step(number)
                wait_for(device)
            task.advance()
    median = statistics.median(speed.seconds[WARM_UP:])
    if problem := speed.problem(least=WARM_UP + MEASURED_STEPS):
        reporter.warn(f"{problem}; the estimate is for a machine as busy as now")
    return median


def time_batches(work: BatchWork, device: torch.device) -> float:
    """Seconds of the whole work, from a few batches after a warm-up."""
    times: list[float] = []
    started = time.perf_counter()
    for batch in islice(work.batches, WARM_UP + MEASURED_BATCHES):
        work.function(batch)
        wait_for(device)
        times.append(time.perf_counter() - started)
        started = time.perf_counter()
    # Work of one batch is its own warm-up.
    per_batch = statistics.median(times[WARM_UP:] or times)
    return per_batch * work.count / min(work.batch_size, work.count)


def wait_for(device: torch.device) -> None:
    """Return when the device has done all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def tensor_bytes(value: Any) -> int:
    """Bytes of all tensors in nested containers."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(tensor_bytes(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(tensor_bytes(item) for item in value)
    return 0


class PeakMemory:
    """Measures from its creation until it is read.

    On CUDA: the memory that PyTorch allocated. On a CPU: the growth of the process beyond its
    largest size before, which misses what fits into memory that was freed earlier.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            self._before = peak_memory() or 0

    def read(self) -> tuple[int | None, str]:
        """Bytes, and what was counted; None where the system reports nothing (Windows, MPS)."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device), "allocated on the GPU"
        largest = peak_memory() if self._device.type == "cpu" else None
        if largest is None:
            return None, "not known on this system"
        return largest - self._before, "growth of the process"
