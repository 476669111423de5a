"""A few real steps and validation batches, to say what a training will cost. Writes nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor

from utkage.core.allocator import keeping_freed_memory
from utkage.core.reporter import Reporter
from utkage.data.batches import epoch_order, steps_per_epoch
from utkage.models.chip_graph import ChipGraph
from utkage.models.multitask import MultiTaskNet
from utkage.prediction.chip_predictor import BATCH, TorchPredictor
from utkage.prediction.loading import load_predictor
from utkage.training.learner import Learner
from utkage.training.loop import Setup, take_step

# The first step of a size chooses algorithms and gets memory; the others are alike.
WARM_UP = 1
MEASURED = 3
VALIDATION_BATCHES = 2

Item = TypeVar("Item")


@dataclass(frozen=True)
class CostEstimate:
    """What was measured.

    Attributes:
        step_seconds: Time of an optimiser step, by chip side in pixels.
        validation_seconds: Time of a validation of the whole split, extrapolated.
        checkpoint_bytes: Tensors of a checkpoint: weights, their average, the optimiser's state.
        weights_bytes: Tensors of a weights file.
        teacher_seconds: Time that the teachers need to answer for all training chips,
            extrapolated; 0 without any.
    """

    step_seconds: dict[int, float]
    validation_seconds: float
    checkpoint_bytes: int
    weights_bytes: int
    teacher_seconds: float = 0.0


def estimate_cost(network: MultiTaskNet, setup: Setup, reporter: Reporter) -> CostEstimate:
    """Take a warm-up step and a few measured ones at each chip size, and validate a little.

    The weights change as they do in training.

    Raises:
        TrainingError: a loss that is not finite.
    """
    config, device = setup.config, setup.device
    learner = Learner(network, setup.objective(), config, device, setup.group)
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    order = epoch_order(len(setup.train), config.seed, 0)

    def step_in(epoch: int) -> Callable[[int], None]:
        def step(number: int) -> None:
            first = number % steps * config.batch_size
            chosen = order[first : first + config.batch_size]
            take_step(learner, setup, chosen, epoch, number, ())

        return step

    seconds: dict[int, float] = {}
    for epoch in range(config.epochs):
        size = config.size_of_epoch(epoch)
        if size not in seconds:
            seconds[size] = time_steps(step_in(epoch), f"steps at {size}", device, reporter)
    average = learner.average.network
    assert isinstance(average, MultiTaskNet)
    graph = ChipGraph(average, setup.card.point_estimate, flip=False)
    predictor = TorchPredictor(graph, setup.card, device)
    validation = time_validation(
        predictor.predict_chips,
        setup.val.batches(BATCH, config.size),
        BATCH,
        len(setup.val),
        device,
    )
    states = (network.state_dict(), average.state_dict(), learner.state_dict())
    checkpoint, weights = tensor_bytes(states), tensor_bytes(states[0])
    return CostEstimate(seconds, validation, checkpoint, weights, _teacher_seconds(setup))


def _teacher_seconds(setup: Setup) -> float:
    total, chips = 0.0, len(setup.train)
    for teacher in setup.teachers:
        predictor = load_predictor(teacher.path, device=setup.device)
        batches = setup.train.batches(BATCH, predictor.card.contract.size)
        total += time_validation(predictor.predict_chips, batches, BATCH, chips, setup.device)
    return total


def time_steps(
    step: Callable[[int], object], label: str, device: torch.device, reporter: Reporter
) -> float:
    """Seconds of a step: the median of a few, after a warm-up.

    Args:
        step: Takes the number of the step, from 0.
        label: What is shown meanwhile.
        device: Where it computes.
        reporter: Who is told.
    """
    times: list[float] = []
    with keeping_freed_memory(), reporter.progress(label, WARM_UP + MEASURED) as task:
        for number in range(WARM_UP + MEASURED):
            started = time.perf_counter()
            step(number)
            wait_for(device)
            times.append(time.perf_counter() - started)
            task.advance()
    return statistics.median(times[WARM_UP:])


def time_validation(
    answer: Callable[[Item], object],
    batches: Iterable[Item],
    batch_size: int,
    count: int,
    device: torch.device,
) -> float:
    """Seconds that all ``count`` chips would take, from a few batches after a warm-up.

    Args:
        answer: Answers for one batch.
        batches: At least one; the first is the warm-up.
        batch_size: Chips in each but the last.
        count: Chips in all.
        device: Where it computes.
    """
    times: list[float] = []
    started = time.perf_counter()
    for batch in islice(batches, WARM_UP + VALIDATION_BATCHES):
        answer(batch)
        wait_for(device)
        times.append(time.perf_counter() - started)
        started = time.perf_counter()
    # A set of one batch has nothing but its warm-up.
    return statistics.median(times[WARM_UP:] or times) * count / min(batch_size, count)


def wait_for(device: torch.device) -> None:
    """Return when the device has done all that it was given."""
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
