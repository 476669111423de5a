"""``train --dry-run``: everything up to the first steps, and what the whole training would cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.device import resolve_device
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.threads import prefer_passive_waiting
from utkage.training.train import TrainRequest, provenance, set_up

if TYPE_CHECKING:
    from utkage.training.setup import Setup


@dataclass(frozen=True)
class SizeCost:
    """The epochs at one chip size in pixels; the time of an epoch includes its validation."""

    size: int
    epochs: int
    step_seconds: float
    epoch_seconds: float


@dataclass(frozen=True, kw_only=True)
class DryRunResult:
    """Description and cost of a planned training.

    Attributes:
        reason: Reason for the choice of the device.
        threads: Number of threads that PyTorch uses on the CPU.
        chips: Number of chips in each split.
        parameters: Number of trained parameters.
        epochs: Number of epochs of the whole training.
        epochs_done: Number of epochs that the run folder has already.
        sizes: Cost by chip size, in the order of training.
        validation_seconds: Time of one validation, extrapolated from a few batches.
        teacher_seconds: Time of the teachers' predictions, made once; 0 without teachers.
        total_seconds: Time of all epochs and of the teachers' predictions.
        peak_memory_bytes: Peak memory of the steps; None where it is not known.
        memory_kind: Kind of memory that was measured.
        disk_bytes: Largest size of the run folder: a checkpoint while another replaces it, and
            two weights files.
        run: Run folder of the training; a dry run does not make it.
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
        """A JSON-ready dictionary; its form is stable within a schema number."""
        return {"schema": 1, **asdict(self), "run": str(self.run)}


def dry_run(request: TrainRequest, reporter: Reporter | None = None) -> DryRunResult:
    """Open the data, build the model and take a few real steps; writes nothing.

    Raises:
        ConfigError, UsageError: as ``train``.
        TrainingError: a loss that is not finite, or a run folder of other settings.
    """
    prefer_passive_waiting()
    import torch

    from utkage.training.cost_estimate import PeakMemory, estimate_cost

    reporter = reporter or SilentReporter()
    device = resolve_device(request.device)
    memory = PeakMemory(device.torch)
    system = set_up(request, reporter)
    setup, config = system.setup, system.setup.config
    done = _epochs_done(request, setup)
    cost = estimate_cost(system, reporter)
    peak, kind = memory.read()
    epoch_seconds = {
        size: setup.steps_per_epoch * seconds + cost.validation_seconds
        for size, seconds in cost.step_seconds.items()
    }
    sizes = [config.size_of_epoch(epoch) for epoch in range(config.epochs)]
    epochs_left = sum(epoch_seconds[size] for size in sizes[done:])
    return DryRunResult(
        system=setup.card.system,
        device=device.name,
        reason=device.reason,
        threads=torch.get_num_threads(),
        chips=dict(setup.card.data["splits"]),
        parameters=sum(p.numel() for p in system.network.parameters() if p.requires_grad),
        batch_size=config.batch_size,
        steps_per_epoch=setup.steps_per_epoch,
        epochs=config.epochs,
        epochs_done=done,
        sizes=tuple(
            SizeCost(size, sizes.count(size), seconds, epoch_seconds[size])
            for size, seconds in cost.step_seconds.items()
        ),
        validation_seconds=cost.validation_seconds,
        teacher_seconds=cost.teacher_seconds,
        total_seconds=cost.teacher_seconds + sum(epoch_seconds[size] for size in sizes),
        remaining_seconds=(0.0 if done else cost.teacher_seconds) + epochs_left,
        peak_memory_bytes=peak,
        memory_kind=kind,
        checkpoint_bytes=cost.checkpoint_bytes,
        disk_bytes=2 * (cost.checkpoint_bytes + cost.weights_bytes),
        run=setup.folder,
    )


def _epochs_done(request: TrainRequest, setup: Setup[Any]) -> int:
    from utkage.training.checkpoint import CheckpointFolder
    from utkage.training.run_folder import check_run_folder

    check_run_folder(setup.folder, request.recipe, provenance(setup.card, setup.identity))
    checkpoint = CheckpointFolder(setup.folder).newest(SilentReporter())
    if checkpoint is None:
        return 0
    checkpoint.require_identity(setup.identity, setup.folder)
    return len(checkpoint.rows)
