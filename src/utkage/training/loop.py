"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from utkage.core.allocator import keeping_freed_memory
from utkage.core.errors import ConfigError
from utkage.core.files import write_text
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.augment import AugmentConfig, augment, draw_mixing
from utkage.data.batches import epoch_order, steps_per_epoch
from utkage.data.chips import LabelledChips
from utkage.data.sample_random import SampleRandom
from utkage.evaluation.metrics import Metrics, score, score_sources
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.multitask import MultiTaskNet
from utkage.models.safetensors_file import save_weights
from utkage.models.weights import Weights
from utkage.prediction.chip_predictor import TorchPredictor, predict_faces
from utkage.training.age_weighting import weights_by_age
from utkage.training.checkpoint import Checkpoint
from utkage.training.checkpoint_folder import (
    CheckpointFolder,
    explaining_lost_writes,
    is_due,
)
from utkage.training.config import TrainConfig
from utkage.training.distributed import Group
from utkage.training.eta import ProgressSummary
from utkage.training.interrupt import saving_on_interrupt, stop_between_steps
from utkage.training.learner import Learner, TrainingBatch
from utkage.training.mixed_batch import mixed_share
from utkage.training.objective import Objective, objective_of
from utkage.training.randomness import seed_layers
from utkage.training.schedule import (
    SCHEDULES,
    ScheduleState,
    epochs_without_gain,
    plateau_cuts,
)
from utkage.training.source_weighting import weights_by_face
from utkage.training.step_errors import explained
from utkage.training.summary import (
    METRICS_NAME,
    SUMMARY_NAME,
    OnEpoch,
    ignore_epoch,
    write_summary,
)
from utkage.training.targets import SoftTargets, Targets
from utkage.training.teachers import Teacher, ask

# Losses that the progress display averages.
SHOWN = 50
# What memory depends on, for messages.
TO_LOWER = (
    "`batch_size` or the last of `sizes`, or split each batch with `accumulate=2` (4, 8, ...)"
)


@dataclass(frozen=True)
class Setup:
    """Everything that a training needs.

    Attributes:
        config: The recipe.
        augmentation: How chips are varied and blended.
        card: What the weights will say about themselves; metrics are filled in here.
        identity: What a checkpoint must agree on to be continued.
        train: Training chips.
        val: Validation chips, which choose the best epoch.
        learned: Fingerprints of all pictures that the weights will have learned from, those of
            the initial weights among them.
        device: Where to compute.
        folder: The run folder; the same one for all processes.
        group: The processes that train together.
        teachers: Weights to learn from besides the labels.
        soft_targets: What they answer for the training chips; ``fit`` asks them.
        on_epoch: Called after every epoch, when its files are written, with all rows so far.
    """

    config: TrainConfig
    augmentation: AugmentConfig
    card: Card
    identity: dict[str, Any]
    train: LabelledChips
    val: LabelledChips
    learned: NDArray[np.int32]
    device: torch.device
    folder: Path
    group: Group = field(default_factory=Group)
    teachers: tuple[Teacher, ...] = ()
    soft_targets: SoftTargets | None = None
    on_epoch: OnEpoch = ignore_epoch

    def objective(self) -> Objective:
        """What the recipe minimises on these data."""
        return objective_of(self.config, weights_by_age(self.config, self.train.ages))

    @cached_property
    def targets(self) -> Targets:
        """Of all training faces, on the processor."""
        return Targets(
            torch.from_numpy(self.train.ages),
            torch.from_numpy(self.train.genders),
            weights_by_face(self.config, self.train),
            self.soft_targets,
        )


@dataclass(frozen=True)
class FitResult:
    """What training reached.

    Attributes:
        rows: One dictionary per epoch, as in ``metrics.jsonl``.
        best_mae: Lowest validation MAE, years.
        best_epoch: The epoch that reached it, from 1.
    """

    rows: tuple[dict[str, Any], ...]
    best_mae: float
    best_epoch: int


def fit(network: MultiTaskNet, setup: Setup, reporter: Reporter) -> FitResult:
    """Train ``network``, going on from the run folder's newest checkpoint if there is one.

    After every epoch the averaged weights are scored on the validation split;
    ``last.safetensors`` always holds them, ``best.safetensors`` those with the lowest MAE.

    Raises:
        ConfigError: a batch that cannot be shared out among the processes.
        TrainingError: a loss that is not finite, a checkpoint of other settings, or files that
            cannot be written.
    """
    with explaining_lost_writes(setup.folder), keeping_freed_memory():
        return _fit(network, setup, reporter)


def _fit(network: MultiTaskNet, setup: Setup, reporter: Reporter) -> FitResult:
    config, group = setup.config, setup.group
    reporter = reporter if group.is_first else SilentReporter()
    asked = (setup.teachers, setup.train, setup.device, setup.folder, reporter)
    setup = replace(setup, soft_targets=group.from_first(ask(*asked) if group.is_first else None))
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    _require_shares(setup)
    learner = Learner(network, setup.objective(), config, setup.device, group)
    step, rows, losses = 0, list[dict[str, Any]](), list[float]()

    checkpoints = CheckpointFolder(setup.folder, config.keep_checkpoints)
    checkpoint = checkpoints.newest(reporter)
    if checkpoint is not None:
        checkpoint.require_identity(setup.identity, setup.folder)
        learner.network.load_state_dict(checkpoint.network)
        learner.average.network.load_state_dict(checkpoint.average)
        learner.load_state_dict(checkpoint.optimizer)
        step, rows, losses = checkpoint.step, checkpoint.rows, checkpoint.losses
        reporter.info(f"going on from step {step} of {steps * config.epochs} in {setup.folder}")

    def save_checkpoint() -> None:
        if group.is_first:
            checkpoints.save(
                Checkpoint(
                    setup.identity,
                    step,
                    learner.network.state_dict(),
                    learner.average.network.state_dict(),
                    learner.state_dict(),
                    rows,
                    losses,
                )
            )

    saved_at = time.monotonic()
    summary_line = ProgressSummary(step, steps * config.epochs)
    while not _is_finished(rows, config):
        # Not from the step: a run may have been stopped behind an epoch's last one.
        epoch = len(rows)
        first = step - epoch * steps
        order = epoch_order(len(setup.train), config.seed, epoch)
        size = config.size_of_epoch(epoch)
        learner.freeze(frozen=epoch < config.freeze_epochs)
        started = time.monotonic()
        with (
            saving_on_interrupt(save_checkpoint, setup.folder, reporter),
            stop_between_steps(group.any) as stop_if_asked,
            reporter.progress(f"epoch {epoch + 1}/{config.epochs}", steps) as task,
        ):
            task.advance(first)
            for index in range(first, steps):
                chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
                losses.append(take_step(learner, setup, chosen, epoch, step, rows))
                rate = learning_rate(config, step, steps, rows)
                step += 1
                task.advance(
                    1,
                    f"loss {np.mean(losses[-SHOWN:]):.3f}, rate {rate:.1e}, "
                    f"{summary_line.words(step, rows)}",
                )
                stop_if_asked()
                if is_due(step, saved_at, config):
                    save_checkpoint()
                    saved_at = time.monotonic()

        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "size": size,
            "learning_rate": learning_rate(config, step - 1, steps, rows),
            "train_loss": round(float(np.mean(losses)), 5),
            "seconds": round(time.monotonic() - started, 1),
        }
        # Validation can be broken off at once: the steps before it are saved then.
        with saving_on_interrupt(save_checkpoint, setup.folder, reporter):
            if group.is_first:
                best = min(_errors(rows), default=math.inf)
                row |= _validated(learner, setup, row, best, reporter)
        with (
            saving_on_interrupt(save_checkpoint, setup.folder, reporter),
            stop_between_steps(group.any),
        ):
            rows.append(group.from_first(row))
            losses = []
            if group.is_first:
                text = "".join(json.dumps(row) + "\n" for row in rows)
                write_text(setup.folder / METRICS_NAME, text)
                write_summary(setup.folder / SUMMARY_NAME, rows)
            save_checkpoint()
            saved_at = time.monotonic()
            setup.on_epoch(rows)

    if len(rows) < config.epochs:
        reporter.info(f"stopped after {config.stop_after} epochs without a better validation MAE")
    best_row = min(rows, key=lambda row: float(row["val_mae"]))
    return FitResult(tuple(rows), float(best_row["val_mae"]), int(best_row["epoch"]))


def take_step(
    learner: Learner,
    setup: Setup,
    chosen: NDArray[np.int64],
    epoch: int,
    step: int,
    rows: Sequence[dict[str, Any]],
) -> float:
    """Learn from one batch.

    Args:
        learner: What learns.
        setup: Recipe and data.
        chosen: Which training chips the batch of all processes is, (N,).
        epoch: From 0; decides the size of the chips and how they are varied.
        step: Of the whole training, from 0; decides the rate.
        rows: Of the epochs so far.

    Returns:
        The loss over the whole batch.

    Raises:
        TrainingError: the loss or its gradient is not finite, memory does not suffice, or the
            network cannot be compiled.
    """
    config, group = setup.config, setup.group
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    rate = learning_rate(config, step, steps, rows)
    with explained(setup.device, TO_LOWER):
        batch = training_batch(setup, chosen, config.size_of_epoch(epoch), epoch)
        seed_layers(config.seed, step * group.size + group.rank)
        return learner.step(batch, rate, step, len(chosen))


def learning_rate(
    config: TrainConfig, step: int, steps: int, rows: Sequence[dict[str, Any]]
) -> float:
    """The rate of a step: a pure function of the recipe and of the epochs so far.

    Args:
        config: The recipe.
        step: From 0.
        steps: In an epoch.
        rows: Of the epochs so far.
    """
    cuts = plateau_cuts(_errors(rows), config.plateau_patience)
    state = ScheduleState(step, steps * config.epochs, config.warmup, cuts, config.plateau_factor)
    return config.learning_rate * SCHEDULES[config.schedule](state)


def first_batch(setup: Setup) -> TrainingBatch:
    """What the first step learns from, in all processes."""
    config = setup.config
    chosen = epoch_order(len(setup.train), config.seed, 0)[: config.batch_size]
    with explained(setup.device, TO_LOWER):
        return training_batch(replace(setup, group=Group()), chosen, config.size_of_epoch(0), 0)


def training_batch(setup: Setup, chosen: NDArray[np.int64], size: int, epoch: int) -> TrainingBatch:
    """This process's share of the batch of the ``chosen`` training chips.

    Images are (n, 3, size, size), varied and blended.
    """
    mine = setup.group.share(np.arange(len(chosen)))
    if not setup.augmentation.mixup:
        return _varied(setup, chosen[mine], size, epoch)
    random = SampleRandom(setup.config.seed, epoch, torch.from_numpy(chosen))
    mixing = draw_mixing(random, setup.augmentation.mixup_alpha, setup.augmentation.mixup)
    return mixed_share(mixing, mine, lambda rows: _varied(setup, chosen[rows], size, epoch))


def _varied(setup: Setup, chosen: NDArray[np.int64], size: int, epoch: int) -> TrainingBatch:
    """Images and labels of the ``chosen`` training chips, each by itself."""
    random = SampleRandom(setup.config.seed, epoch, torch.from_numpy(chosen))
    chips = torch.from_numpy(setup.train.pixels[setup.train.rows[chosen]]).to(setup.device)
    images = augment(chips, size, setup.augmentation, random)
    targets = setup.targets.part(torch.from_numpy(chosen)).to(setup.device)
    return TrainingBatch(images, targets)


def validate(
    network: nn.Module, setup: Setup, reporter: Reporter
) -> tuple[Metrics, dict[str, dict[str, Any]]]:
    """Score ``network`` on the validation split, without flip averaging.

    Returns:
        All figures, and those of each source if there are several.
    """
    assert isinstance(network, MultiTaskNet)
    graph = ChipGraph(network, setup.card.point_estimate, flip=False)
    predictor = TorchPredictor(graph, setup.card, setup.device)
    predictions = predict_faces(predictor, setup.val, reporter, "validating")
    metrics = score(setup.val.ages, setup.val.genders, predictions)
    return metrics, {
        name: found.to_dict() for name, found in score_sources(setup.val, predictions).items()
    }


def _validated(
    learner: Learner, setup: Setup, row: dict[str, Any], best: float, reporter: Reporter
) -> dict[str, Any]:
    """Score and keep the averaged weights of an epoch; its further columns."""
    network = learner.average.network
    metrics, by_source = validate(network, setup, reporter)
    reporter.info(
        f"epoch {row['epoch']}/{setup.config.epochs}: loss {row['train_loss']}, validation "
        f"MAE {metrics.mae:.2f} years, gender {metrics.gender_accuracy:.3f}"
    )
    card = setup.card.with_metrics("val", {"epoch": row["epoch"], **metrics.to_dict()})
    weights = Weights(card, network.state_dict(), torch.from_numpy(setup.learned))
    save_weights(setup.folder / LAST_NAME, weights)
    columns = {f"val_{name}": value for name, value in metrics.to_dict().items()}
    # As it is written: a run that goes on knows the best so far from its rows.
    if columns["val_mae"] < best:
        save_weights(setup.folder / BEST_NAME, weights)
    return {**columns, **({"val_sources": by_source} if by_source else {})}


def _errors(rows: Sequence[dict[str, Any]]) -> list[float]:
    return [float(row["val_mae"]) for row in rows]


def _is_finished(rows: Sequence[dict[str, Any]], config: TrainConfig) -> bool:
    if len(rows) >= config.epochs:
        return True
    return 0 < config.stop_after <= epochs_without_gain(_errors(rows))


def _require_shares(setup: Setup) -> None:
    size = setup.group.size
    batch = min(setup.config.batch_size, len(setup.train))
    if batch < 2 * size:
        raise ConfigError(
            f"a batch of {batch} chips for {size} processes; each needs at least two: raise "
            "`batch_size` or start fewer"
        )
