"""Training the seed system on a prepared set, resumable as the default system is."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.core.allocator import keeping_freed_memory
from utkage.core.errors import ConfigError
from utkage.core.files import write_text
from utkage.core.reporter import Reporter
from utkage.data.augment import AugmentConfig, augment
from utkage.data.batches import epoch_order, steps_per_epoch
from utkage.data.chips import LabelledChips
from utkage.data.sample_random import SampleRandom
from utkage.models.card import Card
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.safetensors_file import save_weights
from utkage.models.seed.system import SeedSystem
from utkage.models.weights import Weights
from utkage.training.checkpoint import Checkpoint
from utkage.training.checkpoint_folder import (
    CheckpointFolder,
    explaining_lost_writes,
    is_due,
)
from utkage.training.ema import WeightAverage
from utkage.training.eta import ProgressSummary
from utkage.training.interrupt import saving_on_interrupt, stop_between_steps
from utkage.training.loop import FitResult
from utkage.training.randomness import seed_layers
from utkage.training.step_errors import explained
from utkage.training.summary import (
    METRICS_NAME,
    SUMMARY_NAME,
    OnEpoch,
    ignore_epoch,
    write_summary,
)
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import (
    Batch,
    JointTrainer,
    SeedLosses,
    SeedScore,
    score_seed,
)

VALIDATION_BATCH = 128
# What memory depends on, for messages.
TO_LOWER = "`batch_size`, `size` or `gender_width`"


@dataclass(frozen=True)
class SeedSetup:
    """Everything that a training of the seed system needs.

    Attributes:
        config: The recipe.
        augmentation: How chips are varied; without mixup.
        card: What the weights will say about themselves; metrics are filled in here.
        identity: What a checkpoint must agree on to be continued.
        train: Training chips.
        val: Validation chips: they choose the best epoch and lower the rates.
        learned: Fingerprints of all pictures that the weights will have learned from.
        device: Where to compute.
        folder: The run folder.
        on_epoch: Called after every epoch, when its files are written, with all rows so far.
    """

    config: SeedConfig
    augmentation: AugmentConfig
    card: Card
    identity: dict[str, Any]
    train: LabelledChips
    val: LabelledChips
    learned: NDArray[np.int32]
    device: torch.device
    folder: Path
    on_epoch: OnEpoch = ignore_epoch

    def __post_init__(self) -> None:
        if self.augmentation.mixup:
            raise ConfigError(
                f"mixup is {self.augmentation.mixup}; it must be 0: "
                "the losses of the seed system take one label per face"
            )


def fit_seed(system: SeedSystem, setup: SeedSetup, reporter: Reporter) -> FitResult:
    """Train the three models jointly, going on from the run folder's checkpoint if there is one.

    ``last.safetensors`` always holds the newest epoch, ``best.safetensors`` the one with the
    lowest end-to-end MAE on the validation split.

    Raises:
        TrainingError: a loss that is not finite, a checkpoint of other settings, or files that
            cannot be written.
    """
    with explaining_lost_writes(setup.folder), keeping_freed_memory():
        return _fit_seed(system, setup, reporter)


def _fit_seed(system: SeedSystem, setup: SeedSetup, reporter: Reporter) -> FitResult:
    config = setup.config
    system.to(setup.device)
    trainer = build_trainer(system, config)
    average = WeightAverage(system, config.ema_decay) if config.ema_decay else None
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    step, rows = 0, list[dict[str, Any]]()

    checkpoints = CheckpointFolder(setup.folder, config.keep_checkpoints)
    checkpoint = checkpoints.newest(reporter)
    if checkpoint is not None:
        checkpoint.require_identity(setup.identity, setup.folder)
        system.load_state_dict(checkpoint.network)
        if average is not None:
            average.network.load_state_dict(checkpoint.average)
        trainer.load_state_dict(checkpoint.optimizer)
        step, rows = checkpoint.step, checkpoint.rows
        reporter.info(f"going on from step {step} of {steps * config.epochs} in {setup.folder}")

    # What is scored and kept.
    validated = system if average is None else average.network
    assert isinstance(validated, SeedSystem)

    def save_checkpoint() -> None:
        state = trainer.state_dict()
        kept = {} if average is None else average.network.state_dict()
        network = system.state_dict()
        checkpoints.save(Checkpoint(setup.identity, step, network, kept, state, rows, []))

    saved_at = time.monotonic()
    summary_line = ProgressSummary(step, steps * config.epochs)
    while len(rows) < config.epochs:
        # Not from the step: a run may have been stopped behind an epoch's last one.
        epoch = len(rows)
        first = step - epoch * steps
        order = epoch_order(len(setup.train), config.seed, epoch)
        started = time.monotonic()
        with (
            saving_on_interrupt(save_checkpoint, setup.folder, reporter),
            stop_between_steps() as stop_if_asked,
            reporter.progress(f"epoch {epoch + 1}/{config.epochs}", steps) as task,
        ):
            task.advance(first)
            for index in range(first, steps):
                chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
                losses = take_step(trainer, setup, chosen, epoch, step)
                if average is not None:
                    average.update(system, step)
                step += 1
                task.advance(
                    1,
                    f"gender {losses.gender:.3f}, range {losses.age_range:.3f}, "
                    f"age {losses.age_estimation:.2f}, {summary_line.words(step, rows)}",
                )
                stop_if_asked()
                if is_due(step, saved_at, config):
                    save_checkpoint()
                    saved_at = time.monotonic()
        # Validation can be broken off at once: the steps before it are saved then.
        with saving_on_interrupt(save_checkpoint, setup.folder, reporter):
            score = score_seed(validated, validation_batches(setup))
        row = _row(epoch, trainer, score, time.monotonic() - started)
        best = min((float(row["val_mae"]) for row in rows), default=math.inf)
        with (
            saving_on_interrupt(save_checkpoint, setup.folder, reporter),
            stop_between_steps(),
        ):
            rows.append(row)
            trainer.end_epoch(score.losses)
            for own in (system, validated):
                own.age_scale.fill_(score.mae)
            reporter.info(
                f"epoch {epoch + 1}/{config.epochs}: validation MAE {score.mae:.2f} years end to "
                f"end ({score.oracle_mae:.2f} with the true range fed in), ranges "
                f"{score.range_accuracy:.3f}, gender {score.gender_accuracy:.3f}"
            )
            weights = Weights(
                setup.card.with_metrics("val", row),
                validated.state_dict(),
                torch.from_numpy(setup.learned),
            )
            save_weights(setup.folder / LAST_NAME, weights)
            # As it is written: a run that goes on knows the best so far from its rows.
            if row["val_mae"] < best:
                save_weights(setup.folder / BEST_NAME, weights)
            text = "".join(json.dumps(row) + "\n" for row in rows)
            write_text(setup.folder / METRICS_NAME, text)
            write_summary(setup.folder / SUMMARY_NAME, rows)
            save_checkpoint()
            saved_at = time.monotonic()
            setup.on_epoch(rows)

    best_row = min(rows, key=lambda row: float(row["val_mae"]))
    return FitResult(tuple(rows), float(best_row["val_mae"]), int(best_row["epoch"]))


def build_trainer(system: SeedSystem, config: SeedConfig) -> JointTrainer:
    """The three optimisers and plateaus of the recipe."""
    rates = (config.gender_rate, config.range_rate, config.age_rate)
    return JointTrainer(system, rates, config.factor, config.patience)


def take_step(
    trainer: JointTrainer, setup: SeedSetup, chosen: NDArray[np.int64], epoch: int, step: int
) -> SeedLosses:
    """Let each model learn from one batch: the training chips ``chosen``, varied.

    Raises:
        TrainingError: a loss that is not finite, or too little memory.
    """
    seed_layers(setup.config.seed, step)
    # Mixed as the layers' seed is: the CPU's generator takes 32 bits of one.
    (mixed,) = np.random.SeedSequence([setup.config.seed, step, 1]).generate_state(1)
    generator = torch.Generator().manual_seed(int(mixed))
    with explained(setup.device, TO_LOWER):
        batch = _training_batch(setup, chosen, epoch)
        return trainer.step(batch, setup.config.share_of_true_ranges(epoch), generator)


def first_batch(setup: SeedSetup) -> Batch:
    """What the first step learns from."""
    config = setup.config
    chosen = epoch_order(len(setup.train), config.seed, 0)[: config.batch_size]
    return _training_batch(setup, chosen, 0)


def _row(epoch: int, trainer: JointTrainer, score: SeedScore, seconds: float) -> dict[str, Any]:
    return {
        "epoch": epoch + 1,
        "rates": trainer.rates(),
        "seconds": round(seconds, 1),
        "val_gender_loss": round(score.losses.gender, 4),
        "val_range_loss": round(score.losses.age_range, 4),
        "val_gender_accuracy": round(score.gender_accuracy, 4),
        "val_range_accuracy": round(score.range_accuracy, 4),
        "val_mae": round(score.mae, 4),
        "val_oracle_mae": round(score.oracle_mae, 4),
    }


def _training_batch(setup: SeedSetup, chosen: NDArray[np.int64], epoch: int) -> Batch:
    faces, device = setup.train, setup.device
    chips = torch.from_numpy(faces.pixels[faces.rows[chosen]]).to(device)
    random = SampleRandom(setup.config.seed, epoch, torch.from_numpy(chosen))
    images = augment(chips, setup.config.size, setup.augmentation, random)
    ages = torch.from_numpy(faces.ages[chosen]).to(device)
    genders = torch.from_numpy(faces.genders[chosen]).to(device)
    return images, ages, genders


def validation_batches(setup: SeedSetup) -> Iterator[Batch]:
    """The validation chips as they are, in order."""
    faces, device = setup.val, setup.device
    for number, chips in enumerate(faces.batches(VALIDATION_BATCH, setup.config.size)):
        part = slice(number * VALIDATION_BATCH, number * VALIDATION_BATCH + len(chips))
        images = torch.from_numpy(np.ascontiguousarray(chips)).to(device)
        yield (
            images.permute(0, 3, 1, 2).float(),
            torch.from_numpy(faces.ages[part]).to(device),
            torch.from_numpy(faces.genders[part]).to(device),
        )
