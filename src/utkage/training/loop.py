"""The training loop of every system, to be read from top to bottom."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from utkage.core.allocator import keeping_freed_memory
from utkage.core.errors import ConfigError, TrainingError
from utkage.core.read_ahead import read_ahead
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.text import counted
from utkage.data.batches import epoch_order
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.weights import Weights, save_weights
from utkage.training.batches import ReadChips, TrainingBatch
from utkage.training.checkpoint import Checkpoint, CheckpointFolder, is_due
from utkage.training.distributed import Group
from utkage.training.failures import (
    explaining_lost_writes,
    explaining_step_errors,
    saving_on_interrupt,
    stop_between_steps,
)
from utkage.training.randomness import seed_layers
from utkage.training.step_numbers import UnreadNumbers, read_interval
from utkage.training.step_speed import StepSpeed
from utkage.training.summary import (
    SELECTIONS,
    OnEpoch,
    best_epoch,
    error_text,
    flattened,
    ignore_epoch,
    read_initial_row,
    validation_errors,
    write_epochs,
)
from utkage.training.systems.base import EpochRows, TrainableSystem, Validation

# What PyTorch raises for states of other networks and optimisers.
_MISFITS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)
# Number of last steps whose mean loss the progress display shows.
SHOWN = 50
# Batches that are read while the step of another is computed.
READ_AHEAD = 2


def require_finite_metrics(validation: Validation) -> None:
    """Raise a ``TrainingError`` if a metric of the validation is NaN or infinite."""
    for name, value in flattened(validation.columns):
        if isinstance(value, float) and not math.isfinite(value):
            raise TrainingError(
                f"validation: {name} is {value}; lower the learning rates, and train again from "
                "the start"
            )


class RemainingTime:
    """Extrapolates from the steps since this object was made, validations included."""

    def __init__(self, step: int, total: int) -> None:
        self._first, self._total = step, total
        self._started = time.monotonic()

    def text(self, step: int) -> str:
        """Estimated time left after ``step`` steps, at least one more than at the beginning."""
        per_step = (time.monotonic() - self._started) / (step - self._first)
        left = datetime.timedelta(seconds=round(per_step * (self._total - step)))
        return f"{left} left"


@dataclass(frozen=True)
class FitResult:
    """Rows as in ``metrics.jsonl``, the best epoch from 1, and its validation MAE in years."""

    rows: tuple[dict[str, Any], ...]
    best_mae: float
    best_epoch: int


def fit(system: TrainableSystem, reporter: Reporter, on_epoch: OnEpoch = ignore_epoch) -> FitResult:
    """Train ``system``, or resume from the newest checkpoint in the run folder.

    After every epoch the averaged weights are validated. ``last.safetensors`` holds those of the
    newest epoch, ``best.safetensors`` those of the best epoch (``select_by``). What is computed
    depends on the settings and the data alone, so a resumed run ends as an uninterrupted one; on
    a CPU with the same bits. ``on_epoch`` is called when the files of an epoch are written.

    Raises:
        ConfigError: a batch that is too small for the number of processes.
        KeyboardInterrupt: SIGINT or SIGTERM came, or ``reporter`` raised it; everything is saved.
        TrainingError: a loss or gradient that is not finite, a checkpoint of other settings,
            files that cannot be written, or too little memory.
    """
    with explaining_lost_writes(system.setup.folder), keeping_freed_memory():
        loop = _Loop(system, reporter, on_epoch)
        loop.run()
    best = best_epoch(loop.rows, system.setup.config.select_by)
    return FitResult(tuple(loop.rows), validation_errors([best])[0], int(best["epoch"]))


def take_step(system: TrainableSystem, read: ReadChips, step: int, rows: EpochRows) -> Tensor:
    """Train on a batch that was read, and update the averaged weights; reads no result.

    The ``step`` is counted in the whole training, from 0.

    Returns:
        What ``TrainableSystem.step`` returns.

    Raises:
        TrainingError: too little memory, or a network that cannot be compiled.
    """
    setup, group = system.setup, system.setup.group
    with explaining_step_errors(setup.device, system.memory_settings):
        batch = system.batches.finish(read)
        seed_layers(setup.config.seed, step * group.size + group.rank)
        numbers = system.step(batch, step, rows)
        system.average.update(system.network, step)
    return numbers


def read_batches(
    system: TrainableSystem, epoch: int, done: int
) -> Generator[ReadChips, None, None]:
    """The batches of an epoch after the first ``done``, read ahead by another thread.

    Raises:
        TrainingError: too little memory.
    """
    setup = system.setup
    size = setup.config.batch_size
    order = epoch_order(len(setup.train), setup.config.seed, epoch)
    batches = (order[n * size : (n + 1) * size] for n in range(done, setup.steps_per_epoch))
    with explaining_step_errors(setup.device, system.memory_settings):
        yield from read_ahead(lambda chosen: system.read(chosen, epoch), batches, READ_AHEAD)


def first_batch(system: TrainableSystem) -> TrainingBatch:
    """The batch of the first step, in all processes."""
    setup = system.setup
    order = epoch_order(len(setup.train), setup.config.seed, 0)
    with explaining_step_errors(setup.device, system.memory_settings):
        return system.draw(order[: setup.config.batch_size], 0, Group())


class _Loop:
    """A running training: the content of a checkpoint, and when the last one was written."""

    def __init__(self, system: TrainableSystem, reporter: Reporter, on_epoch: OnEpoch) -> None:
        setup = system.setup
        self.system, self.setup, self.on_epoch = system, setup, on_epoch
        self.reporter = reporter if setup.group.is_first else SilentReporter()
        self.steps = setup.steps_per_epoch
        self.selection = SELECTIONS[setup.config.select_by]
        self.checkpoints = CheckpointFolder(setup.folder, setup.config.keep_checkpoints)
        self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.initial: dict[str, Any] | None = None
        self.losses: list[float] = []
        self.unread = UnreadNumbers(setup.device)
        self.note = ""
        self.speed = StepSpeed(
            torch.get_num_threads(),
            on_cpu=setup.device.type == "cpu",
            steps=read_interval(setup.device),
        )

    def run(self) -> None:
        """All epochs that are left."""
        config = self.setup.config
        processes, batch = self.setup.group.size, min(config.batch_size, len(self.setup.train))
        if batch < 2 * processes:
            raise ConfigError(
                f"a batch of {batch} chips for {processes} processes; each needs at least two: "
                "raise `batch_size` or start fewer processes"
            )
        self.system.prepare(self.reporter)
        self.resume()
        self.saved_at = time.monotonic()
        self.remaining = RemainingTime(self.step, self.steps * config.epochs)
        # Around everything, because a signal may come between an epoch and its validation.
        with saving_on_interrupt(self.save, self.setup.folder, self.reporter):
            if self.step == 0 and self.setup.group.is_first:
                self.validate_initial_weights()
            while not config.is_finished(self.errors()):
                started = time.monotonic()
                self.train_epoch()
                row = {
                    "epoch": len(self.rows) + 1,
                    **self.system.epoch_columns(self.step - 1, self.rows, self.losses),
                    "seconds": round(time.monotonic() - started, 1),
                }
                # Validation may be interrupted at any time: it changes nothing.
                is_first = self.setup.group.is_first
                validation = self.system.validate(self.reporter) if is_first else None
                if validation is not None:
                    require_finite_metrics(validation)
                with stop_between_steps(self.setup.group.any):
                    self.end_epoch(row, validation)
        if len(self.rows) < config.epochs:
            stopped = f"stopped early after epoch {len(self.rows)}"
            self.reporter.info(f"{stopped}: the validation {self.selection.label} no longer falls")

    def resume(self) -> None:
        """Load the newest checkpoint, if there is one."""
        checkpoint = self.checkpoints.newest(self.reporter)
        if checkpoint is None:
            return
        former = checkpoint.require_identity(self.setup.identity, self.setup.folder)
        try:
            self.restore(checkpoint)
        except _MISFITS as error:
            detail = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"{self.setup.folder}: its checkpoint does not fit this training ({detail}); train "
                "into another `run` folder"
            ) from error
        self.step, self.rows, self.losses = checkpoint.step, checkpoint.rows, checkpoint.losses
        self.initial = read_initial_row(self.setup.folder)
        epochs = self.setup.config.epochs
        total = self.steps * epochs
        self.reporter.info(f"resuming from step {self.step} of {total} in {self.setup.folder}")
        if former is not None:
            self.reporter.info(
                f"the run had {counted(former, 'epoch')}; those that follow take the learning "
                f"rates and chip sizes that a run of {epochs} epochs has there"
            )

    def validate_initial_weights(self) -> None:
        """Write the metrics before any step as those of epoch 0."""
        with explaining_step_errors(self.setup.device, self.system.memory_settings):
            validation = self.system.validate(self.reporter)
        self.initial = {"epoch": 0, **validation.columns}
        write_epochs(self.setup.folder, [self.initial])
        self.reporter.info(f"before training: validation {validation.text}")

    def restore(self, checkpoint: Checkpoint) -> None:
        """Load weights and optimisers; one of ``_MISFITS`` if they are of another training."""
        done = checkpoint.step - len(checkpoint.rows) * self.steps
        if not 0 <= done <= self.steps or len(checkpoint.losses) not in (0, done):
            raise ValueError(f"step {checkpoint.step} after {len(checkpoint.rows)} epochs")
        # Former versions kept no average of the seed system at `ema_decay` 0.
        average = checkpoint.average or checkpoint.network
        networks = (self.system.network, self.system.average.network)
        for network, state in zip(networks, (checkpoint.network, average), strict=True):
            for name, tensor in network.state_dict().items():
                if name in state and state[name].dtype != tensor.dtype:
                    raise ValueError(f"{name} is {state[name].dtype}, not {tensor.dtype}")
            network.load_state_dict(state)
        self.system.load_state_dict(checkpoint.optimizer)

    def train_epoch(self) -> None:
        """The steps of an epoch that are left."""
        setup, epoch = self.setup, len(self.rows)
        # No steps are left if the run was interrupted during validation.
        done = self.step - epoch * self.steps
        self.system.start_epoch(epoch)
        self.speed.start(setup.config.size_of_epoch(epoch))
        with (
            stop_between_steps(setup.group.any) as stop_if_requested,
            closing(read_batches(self.system, epoch, done)) as batches,
            self.reporter.progress(f"epoch {epoch + 1}/{setup.config.epochs}", self.steps) as task,
        ):
            task.advance(done)
            for _ in range(done, self.steps):
                with self.speed.step():
                    numbers = take_step(self.system, next(batches), self.step, self.rows)
                    self.step += 1
                    self.keep_results(self.unread.add(numbers))
                task.advance(1, self.progress_note())
                if problem := self.speed.problem():
                    self.reporter.warn(problem)
                stop_if_requested()
                if is_due(self.step, self.saved_at, setup.config):
                    self.save()
            self.keep_results(self.unread.read())

    def keep_results(self, numbers: list[list[float]]) -> None:
        """Keep the losses of the last steps, from their numbers.

        Raises:
            TrainingError: a loss or gradient that is not finite.
        """
        for step, own in enumerate(numbers, self.step - len(numbers)):
            result = self.system.step_result(own, step, self.rows)
            self.losses.append(result.loss)
            self.note = result.note

    def errors(self) -> list[float]:
        """The errors of the epochs so far that choose the best one, years."""
        return validation_errors(self.rows, self.setup.config.select_by)

    def progress_note(self) -> str:
        """Remaining time, mean loss of the last steps, lowest error and state of the system.

        A narrow terminal cuts the end.
        """
        parts = [self.remaining.text(self.step)]
        if self.losses:
            parts.append(f"loss {np.mean(self.losses[-SHOWN:]):.3f}")
        if self.rows:
            best = best_epoch(self.rows, self.setup.config.select_by)
            text = f"{self.selection.label} {min(self.errors()):.2f}"
            parts.append(f"best {text if best.get('val_mae') is not None else error_text(best)}")
        return ", ".join([*parts, self.note] if self.note else parts)

    def end_epoch(self, row: dict[str, Any], validation: Validation | None) -> None:
        """Save everything that an epoch changed; only the first process has a validation."""
        group = self.setup.group
        # From the rounded rows, because a resumed run has no other values.
        best = min(self.errors(), default=math.inf)
        row = group.from_first({**row, **(validation.columns if validation else {})})
        error = self.selection.error(row)
        if validation is not None:
            # Former versions kept no losses of the seed system.
            loss = f"loss {np.mean(self.losses):.5f}, " if self.losses else ""
            epoch = f"epoch {row['epoch']}/{self.setup.config.epochs}"
            by_mae = self.setup.config.select_by == "mae"
            selected = "" if by_mae else f", {self.selection.label} {error:.2f}"
            self.reporter.info(f"{epoch}: {loss}validation {validation.text}{selected}")
            self.system.end_epoch(validation)
            self.save_weights(row, is_best=error < best)
        self.rows.append(row)
        self.losses = []
        if group.is_first:
            rows = self.rows if self.initial is None else [self.initial, *self.rows]
            write_epochs(self.setup.folder, rows)
        self.save()
        self.on_epoch(self.rows)

    def save_weights(self, row: dict[str, Any], *, is_best: bool) -> None:
        """Write the averaged weights with the metrics of the epoch."""
        card = self.setup.card.with_metrics("val", self.system.card_metrics(row))
        state = self.system.average.network.state_dict()
        weights = Weights(card, state, torch.from_numpy(self.setup.fingerprints))
        save_weights(self.setup.folder / LAST_NAME, weights)
        if is_best:
            save_weights(self.setup.folder / BEST_NAME, weights)

    def save(self) -> None:
        """Write a checkpoint, unless a loss since the last one is not finite."""
        self.keep_results(self.unread.read())
        if self.setup.group.is_first:
            checkpoint = Checkpoint(
                identity=self.setup.identity,
                step=self.step,
                network=self.system.network.state_dict(),
                average=self.system.average.network.state_dict(),
                optimizer=self.system.state_dict(),
                rows=self.rows,
                losses=self.losses,
            )
            self.checkpoints.save(checkpoint)
        self.saved_at = time.monotonic()
