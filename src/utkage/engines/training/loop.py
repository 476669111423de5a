"""The training loop, to be read from top to bottom."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from utkage.core.errors import TrainingError
from utkage.core.files import write_text
from utkage.core.reporter import Reporter
from utkage.data.augment import AugmentConfig, augment
from utkage.data.batches import epoch_order, steps_per_epoch
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.engines.evaluation.metrics import Metrics, score, score_sources
from utkage.engines.inference.predictor import TorchPredictor, predict_faces
from utkage.engines.training.checkpoint import Checkpoint
from utkage.engines.training.config import TrainConfig
from utkage.engines.training.ema import WeightAverage
from utkage.engines.training.interrupt import saving_on_interrupt, stop_between_steps
from utkage.engines.training.losses import (
    age_divergence,
    expected_age_error,
    gender_loss,
    soft_age_labels,
)
from utkage.engines.training.schedule import learning_rate
from utkage.engines.training.summary import (
    METRICS_NAME,
    SUMMARY_NAME,
    OnEpoch,
    ignore_epoch,
    write_summary,
)
from utkage.models.card import Card
from utkage.models.chip_graph import ChipGraph
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.multitask import MultiTaskNet
from utkage.models.weights import Weights, save_weights

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Setup:
    """Everything that a training needs.

    Attributes:
        config: The recipe.
        augmentation: How chips are varied.
        card: What the weights will say about themselves; metrics are filled in here.
        identity: What a checkpoint must agree on to be continued.
        train: Training chips.
        val: Validation chips, which choose the best epoch.
        learned: Fingerprints of all pictures that the weights will have learned from, those of
            the initial weights among them.
        device: Where to compute.
        folder: The run folder.
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
    on_epoch: OnEpoch = ignore_epoch


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
    """Train ``network``, going on from the run folder's checkpoint if there is one.

    After every epoch the averaged weights are scored on the validation split;
    ``last.safetensors`` always holds them, ``best.safetensors`` those with the lowest MAE.

    Raises:
        TrainingError: a loss that is not finite, or a checkpoint of other settings.
    """
    config, device = setup.config, setup.device
    network.to(device).to(memory_format=torch.channels_last).train()
    average = WeightAverage(network, config.ema_decay)
    optimizer = build_optimizer(network, config)
    steps = steps_per_epoch(len(setup.train), config.batch_size)
    total = steps * config.epochs
    step, best, rows = 0, math.inf, list[dict[str, Any]]()

    checkpoint_path = setup.folder / CHECKPOINT_NAME
    if checkpoint_path.exists():
        checkpoint = Checkpoint.load(checkpoint_path)
        checkpoint.require_identity(setup.identity, setup.folder)
        network.load_state_dict(checkpoint.network)
        average.network.load_state_dict(checkpoint.average)
        optimizer.load_state_dict(checkpoint.optimizer)
        step, best, rows = checkpoint.step, checkpoint.best, checkpoint.rows
        reporter.info(f"going on from step {step} of {total} in {setup.folder}")

    def save_checkpoint() -> None:
        Checkpoint(
            setup.identity,
            step,
            network.state_dict(),
            average.network.state_dict(),
            optimizer.state_dict(),
            rows,
            best,
        ).save(checkpoint_path)

    saved_at = time.monotonic()
    while len(rows) < config.epochs:
        # Not from the step: a run may have been stopped behind an epoch's last one.
        epoch = len(rows)
        first = step - epoch * steps
        order = epoch_order(len(setup.train), config.seed, epoch)
        size = config.size_of_epoch(epoch)
        losses: list[float] = []
        started = time.monotonic()
        with (
            saving_on_interrupt(save_checkpoint, setup.folder, reporter),
            stop_between_steps() as stop_if_asked,
            reporter.progress(f"epoch {epoch + 1}/{config.epochs}", steps) as task,
        ):
            task.advance(first)
            for index in range(first, steps):
                chosen = order[index * config.batch_size : (index + 1) * config.batch_size]
                value = take_step(network, optimizer, setup, chosen, epoch, step)
                average.update(network, step)
                step += 1
                losses.append(value)
                task.advance(1, f"loss {np.mean(losses[-50:]):.3f}")
                stop_if_asked()
                if time.monotonic() - saved_at > 60 * config.checkpoint_minutes:
                    save_checkpoint()
                    saved_at = time.monotonic()

        metrics, by_source = validate(average.network, setup, reporter)
        rows.append(
            {
                "epoch": epoch + 1,
                "size": size,
                "learning_rate": learning_rate(
                    step - 1, total, config.learning_rate, config.warmup
                ),
                "train_loss": round(float(np.mean(losses)), 5) if losses else None,
                "seconds": round(time.monotonic() - started, 1),
                **{f"val_{name}": value for name, value in metrics.to_dict().items()},
                **({"val_sources": by_source} if by_source else {}),
            }
        )
        reporter.info(
            f"epoch {epoch + 1}/{config.epochs}: loss {rows[-1]['train_loss']}, validation "
            f"MAE {metrics.mae:.2f} years, gender {metrics.gender_accuracy:.3f}"
        )
        card = setup.card.with_metrics("val", {"epoch": epoch + 1, **metrics.to_dict()})
        weights = Weights(
            card,
            average.network.state_dict(),
            torch.from_numpy(setup.learned),
        )
        save_weights(setup.folder / LAST_NAME, weights)
        if metrics.mae < best:
            best = metrics.mae
            save_weights(setup.folder / BEST_NAME, weights)
        write_text(setup.folder / METRICS_NAME, "".join(json.dumps(row) + "\n" for row in rows))
        write_summary(setup.folder / SUMMARY_NAME, rows)
        save_checkpoint()
        saved_at = time.monotonic()
        setup.on_epoch(rows)

    best_row = min(rows, key=lambda row: float(row["val_mae"]))
    return FitResult(tuple(rows), float(best_row["val_mae"]), int(best_row["epoch"]))


def build_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW, with weight decay on matrices only; ``take_step`` sets its rate."""
    return torch.optim.AdamW(_parameter_groups(network, config.weight_decay))


def take_step(
    network: MultiTaskNet,
    optimizer: torch.optim.Optimizer,
    setup: Setup,
    chosen: NDArray[np.int64],
    epoch: int,
    step: int,
) -> float:
    """Learn from one batch: the training chips ``chosen``, varied, at the size of the epoch.

    Args:
        network: In training mode, on its device.
        optimizer: From ``build_optimizer``; its rate is set here.
        setup: Recipe and data.
        chosen: Which training chips, (N,).
        epoch: From 0.
        step: Of the whole training, from 0; decides the rate and the variations.

    Returns:
        The loss.

    Raises:
        TrainingError: the loss or its gradient is not finite; the weights are as before.
    """
    config = setup.config
    total = steps_per_epoch(len(setup.train), config.batch_size) * config.epochs
    rate = learning_rate(step, total, config.learning_rate, config.warmup)
    for group in optimizer.param_groups:
        group["lr"] = rate
    images, ages, genders = _training_batch(setup, chosen, config.size_of_epoch(epoch), step)
    loss = _loss(network(images), ages, genders, config)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
    value = float(loss.detach())
    if not (math.isfinite(value) and math.isfinite(float(norm))):
        raise TrainingError(
            f"loss {value}, gradient norm {float(norm)} at step {step + 1}; "
            "lower --learning-rate and go on "
            f"from the last checkpoint in {setup.folder}"
        )
    optimizer.step()
    return value


def first_batch(setup: Setup) -> tuple[Tensor, Tensor, Tensor]:
    """What the first step learns from: images (N, 3, S, S) in 0..255, ages and genders (N,)."""
    config = setup.config
    chosen = epoch_order(len(setup.train), config.seed, 0)[: config.batch_size]
    return _training_batch(setup, chosen, config.size_of_epoch(0), 0)


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


def _training_batch(
    setup: Setup, chosen: np.ndarray[Any, np.dtype[np.int64]], size: int, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed((setup.config.seed << 32) + step)
    chips = torch.from_numpy(setup.train.pixels[setup.train.rows[chosen]]).to(setup.device)
    images = augment(chips, size, setup.augmentation, generator)
    ages = torch.from_numpy(setup.train.ages[chosen]).to(setup.device)
    genders = torch.from_numpy(setup.train.genders[chosen]).to(setup.device)
    return images.contiguous(memory_format=torch.channels_last), ages, genders


def _loss(
    logits: tuple[Tensor, Tensor], ages: Tensor, genders: Tensor, config: TrainConfig
) -> Tensor:
    age_logits, gender_logits = logits
    targets = soft_age_labels(
        ages, AGE_COUNT, config.sigma_base, config.sigma_slope, config.sigma_max
    )
    return (
        age_divergence(age_logits, targets)
        + config.l1_weight * expected_age_error(age_logits, ages)
        + config.gender_weight * gender_loss(gender_logits, genders, config.gender_smoothing)
    )


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    # Decaying biases and norm scales only hurts; He et al. 2019 (arXiv:1812.01187), 3.1.
    matrices = [parameter for parameter in network.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in network.parameters() if parameter.dim() < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
