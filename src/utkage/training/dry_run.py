"""``train --dry-run``: everything up to the first steps, and what the whole would cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.device import resolve_device
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.batches import steps_per_epoch
from utkage.training.config import TrainConfig
from utkage.training.train import TrainRequest, set_up
from utkage.training.train_seed import SeedTrainRequest, set_up_seed

if TYPE_CHECKING:
    from torch import nn

    from utkage.training.cost_estimate import CostEstimate
    from utkage.training.loop import Setup
    from utkage.training.systems.seed.config import SeedConfig
    from utkage.training.systems.seed.loop import SeedSetup


@dataclass(frozen=True)
class SizeCost:
    """The epochs at one chip size.

    Attributes:
        size: Chip side, pixels.
        epochs: How many epochs have it.
        step_seconds: Time of an optimiser step.
        epoch_seconds: Time of an epoch with its validation.
    """

    size: int
    epochs: int
    step_seconds: float
    epoch_seconds: float


@dataclass(frozen=True)
class DryRunResult:
    """What a training would be, and cost.

    Attributes:
        system: What would be trained.
        device: Where, as torch names it.
        reason: Why there.
        threads: Threads that PyTorch uses on the CPU.
        chips: Chips in each split.
        parameters: Trained numbers.
        batch_size: Chips a step.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs of the whole training.
        epochs_done: Epochs that the run folder has already.
        sizes: Cost by chip size, in the order of training.
        validation_seconds: Time of one validation, extrapolated from a few batches.
        teacher_seconds: Time that the teachers' answers take, once; 0 without any.
        total_seconds: Time of all epochs, and of the teachers.
        remaining_seconds: Time of those that are not done.
        peak_memory_bytes: The most memory that the steps took; None where it is not known.
        memory_kind: What was counted.
        checkpoint_bytes: Size of a checkpoint.
        disk_bytes: Most that the run folder needs: a checkpoint while another replaces it, and two
            weights files.
        run: The run folder that training would take; a dry run does not make it.
    """

    system: str
    device: str
    reason: str
    threads: int
    chips: dict[str, int]
    parameters: int
    batch_size: int
    steps_per_epoch: int
    epochs: int
    epochs_done: int
    sizes: tuple[SizeCost, ...]
    validation_seconds: float
    teacher_seconds: float
    total_seconds: float
    remaining_seconds: float
    peak_memory_bytes: int | None
    memory_kind: str
    checkpoint_bytes: int
    disk_bytes: int
    run: Path

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; the form is stable within a schema number."""
        return {"schema": 1, **asdict(self), "run": str(self.run)}


def dry_run(
    request: TrainRequest | SeedTrainRequest, reporter: Reporter | None = None
) -> DryRunResult:
    """Open the data, build the model, take a few real steps, and write nothing.

    Raises:
        UsageError: no prepared set, an empty split, an unknown device or initial weights.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    import torch

    from utkage.training.memory import PeakMemory

    reporter = reporter or SilentReporter()
    device = resolve_device(request.device)
    memory = PeakMemory(device.torch)
    model, setup, done, found = _rehearsed(request, reporter)
    peak, kind = memory.read()
    config = setup.config
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    sides = _sizes_by_epoch(config)
    by_side = {
        side: steps * seconds + found.validation_seconds
        for side, seconds in found.step_seconds.items()
    }
    return DryRunResult(
        system=setup.card.system,
        device=device.name,
        reason=device.reason,
        threads=torch.get_num_threads(),
        chips=dict(setup.card.data["splits"]),
        parameters=sum(part.numel() for part in model.parameters() if part.requires_grad),
        batch_size=config.batch_size,
        steps_per_epoch=steps,
        epochs=config.epochs,
        epochs_done=done,
        sizes=tuple(
            SizeCost(side, sides.count(side), seconds, by_side[side])
            for side, seconds in found.step_seconds.items()
        ),
        validation_seconds=found.validation_seconds,
        teacher_seconds=found.teacher_seconds,
        total_seconds=found.teacher_seconds + sum(by_side[side] for side in sides),
        remaining_seconds=(0.0 if done else found.teacher_seconds)
        + sum(by_side[side] for side in sides[done:]),
        peak_memory_bytes=peak,
        memory_kind=kind,
        checkpoint_bytes=found.checkpoint_bytes,
        disk_bytes=2 * (found.checkpoint_bytes + found.weights_bytes),
        run=setup.folder,
    )


def _rehearsed(
    request: TrainRequest | SeedTrainRequest, reporter: Reporter
) -> tuple[nn.Module, Setup | SeedSetup, int, CostEstimate]:
    """The model, its setup, the epochs that the run has already, and what was measured."""
    from utkage.training.cost_estimate import estimate_cost
    from utkage.training.systems.seed.cost_estimate import estimate_seed_cost

    if isinstance(request, TrainRequest):
        network, setup = set_up(request, reporter)
        done = _epochs_done(setup.folder, setup.identity)
        return network, setup, done, estimate_cost(network, setup, reporter)
    system, seed_setup = set_up_seed(request, reporter)
    done = _epochs_done(seed_setup.folder, seed_setup.identity)
    return system, seed_setup, done, estimate_seed_cost(system, seed_setup, reporter)


def _epochs_done(folder: Path, identity: dict[str, Any]) -> int:
    from utkage.training.checkpoint_folder import CheckpointFolder

    checkpoint = CheckpointFolder(folder).newest(SilentReporter())
    if checkpoint is None:
        return 0
    checkpoint.require_identity(identity, folder)
    return len(checkpoint.rows)


def _sizes_by_epoch(config: TrainConfig | SeedConfig) -> list[int]:
    if isinstance(config, TrainConfig):
        return [config.size_of_epoch(epoch) for epoch in range(config.epochs)]
    return [config.size] * config.epochs
