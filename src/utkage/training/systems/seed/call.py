"""``train`` of the published description: three models and a data loader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from utkage.core.device import Device, resolve_device
from utkage.core.errors import ConfigError, UsageError, WeightsError
from utkage.core.line_reporter import default_reporter
from utkage.core.reporter import Reporter
from utkage.core.single_writer import holding_files
from utkage.data.labels import AGE_RANGES
from utkage.models.seed.plain_state import load_plain_state, save_plain_state
from utkage.models.seed.system import SeedSystem
from utkage.training.step_numbers import UnreadNumbers
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import (
    Batch,
    JointTrainer,
    SeedScore,
    losses_of,
    score_seed,
)
from utkage.training.systems.seed.loader import seed_batches, split_loader


@dataclass(frozen=True)
class SeedEpoch:
    """Number of an epoch from 1, each model's learning rate in it, and its validation."""

    epoch: int
    rates: dict[str, float]
    validation: SeedScore


def train(
    gender_model: nn.Module,
    age_range_model: nn.Module,
    age_estimation_model: nn.Module,
    train_data: DataLoader[Any],
    device: str = "cuda",
    weights: str | Path | None = None,
    num_epochs: int = 50,
    validation_split: float = 0.2,
    save_last_weights: str | Path | None = "AgeGenderWeights.pt",
    *,
    range_feed: str = SeedConfig.range_feed,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> tuple[SeedEpoch, ...]:
    """Train the three models jointly on the same batches, in place.

    Each has its own loss (binary cross-entropy, cross-entropy, L1) and Adam (1e-4, 5e-3, 1e-3),
    whose rate falls on a plateau of its validation loss. Images are (N, 3, S, S), RGB in 0..255.

    Args:
        gender_model: Gives logits (N,), positive for female; such as ``VggFace(size=64)``.
        age_range_model: Gives logits (N, 9); such as ``AgeRangeNet()``.
        age_estimation_model: Gives years (N,), from images and range indices (N,); such as
            ``AgeEstimationNet()``.
        train_data: Loader of (images, ages, genders), or of dictionaries of ``image``, ``age``
            and ``gender``, with images in 0..1 or uint8; such as one over ``UTKFaceDataset``.
        device: ``"cuda"``, ``"cpu"``, ``"mps"`` or ``"auto"``.
        weights: Plain state of the same models to start from; None: the models as they are.
        num_epochs: Passes over the training pictures.
        validation_split: Share of the pictures for validation; identical ones share a split.
        save_last_weights: File of the newest weights, written after each epoch as a plain state
            that ``torch.load(..., weights_only=True)`` reads; None: not written.
        range_feed: Ranges that the estimator is fed; see ``SeedConfig.range_feed``.
        seed: Seed of the split, order, dropout and range feed.
        reporter: Shows the progress; None: lines on stderr in a terminal or a notebook, else
            nothing. ``SilentReporter()`` shows nothing anywhere.

    Raises:
        ConfigError: an argument out of range, or a model whose outputs have another shape.
        DataError: the loader yields something else, or too few pictures to split.
        DeviceError: no such device.
        TrainingError: a loss that is not finite.
        UsageError: no such weights file, or the file of the newest weights is of another program or
            is written by another process.
        WeightsError: weights of other models.
    """
    reporter = reporter or default_reporter()
    if num_epochs < 1:
        raise ConfigError(f"num_epochs is {num_epochs}; it must be at least 1")
    config = SeedConfig(epochs=num_epochs, range_feed=range_feed, seed=seed)
    resolved = resolve_device(device)
    system = SeedSystem(gender_model, age_range_model, age_estimation_model)
    if weights is not None:
        _load_state(system, Path(weights))
    file = None if save_last_weights is None else Path(save_last_weights)
    with _holding(file):
        training, validation = split_loader(train_data, validation_split, seed, reporter)
        system.to(resolved.torch)
        return _fit(system, config, training, validation, resolved, file, reporter)


@contextmanager
def _holding(file: Path | None) -> Iterator[None]:
    """Hold the file of the newest weights, if there is one; refuse one of another program."""
    if file is None:
        yield
        return
    with holding_files(file):
        if file.exists() and file.stat().st_size:
            try:
                load_plain_state(file)
            except WeightsError as error:
                raise UsageError(
                    f"`save_last_weights` {file}: exists and does not hold such weights; name "
                    "another file"
                ) from error
        yield


def _fit(
    system: SeedSystem,
    config: SeedConfig,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    resolved: Device,
    file: Path | None,
    reporter: Reporter,
) -> tuple[SeedEpoch, ...]:
    reporter.info(
        f"device {resolved.name} ({resolved.reason}); "
        f"{len(training.dataset)} training pictures, "  # type: ignore[arg-type]
        f"{len(validation.dataset)} for validation"  # type: ignore[arg-type]
    )
    device = resolved.torch
    size = _require_shapes(system, next(seed_batches(validation, device)))
    trainer = JointTrainer(system, config)
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    epochs: list[SeedEpoch] = []
    for epoch in range(config.epochs):
        unread = UnreadNumbers(device)
        label, note = f"epoch {epoch + 1}/{config.epochs}", ""
        probability, rates = config.true_range_probability(epoch), trainer.rates()
        with reporter.progress(label, len(training)) as task:
            for batch in seed_batches(training, device):
                for numbers in unread.add(trainer.step(batch, probability, generator)):
                    note = f"age {losses_of(numbers).age_estimation:.2f}"
                task.advance(1, note)
            for numbers in unread.read():
                losses_of(numbers)
        score = score_seed(system, seed_batches(validation, device))
        trainer.end_epoch(vars(score.losses))
        system.age_scale.fill_(score.mae)
        epochs.append(SeedEpoch(epoch + 1, rates, score))
        reporter.info(f"{label}: {score}")
        if file is not None:
            save_plain_state(system, size, file)
    return tuple(epochs)


def _load_state(system: SeedSystem, path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"weights {path}: no such weights file")
    state = load_plain_state(path)
    try:
        system.load_state_dict(state.system)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path}: tensors do not fit the given models: {detail}") from error


@torch.inference_mode()
def _require_shapes(system: SeedSystem, batch: Batch) -> int:
    """Try the models on one batch, and return the size of its images in pixels."""
    system.eval()
    images = batch[0]
    count = len(images)
    ranges = torch.zeros(count, dtype=torch.long, device=images.device)
    for name, model, inputs, shape in (
        ("gender_model", system.gender, (images,), (count,)),
        ("age_range_model", system.age_range, (images,), (count, len(AGE_RANGES))),
        ("age_estimation_model", system.age_estimation, (images, ranges), (count,)),
    ):
        try:
            outputs = model(*inputs)
        except (RuntimeError, TypeError, ConfigError) as error:
            detail = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"{name} fails on images {tuple(images.shape)} of train_data: {detail}"
            ) from error
        found = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        if found != shape:
            raise ConfigError(f"{name} returns {found} for {count} images; it must be {shape}")
    return int(images.shape[-1])
