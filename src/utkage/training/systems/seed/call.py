"""``train``: the training call of the description, for three models and a data loader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from utkage.core.device import resolve_device
from utkage.core.errors import ConfigError, WeightsError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.labels import AGE_RANGES
from utkage.models.seed.plain_state import load_plain_state, save_plain_state
from utkage.models.seed.system import SeedSystem
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import Batch, JointTrainer, SeedScore, score_seed
from utkage.training.systems.seed.loader import seed_batches, split_loader


@dataclass(frozen=True)
class SeedEpoch:
    """One epoch.

    Attributes:
        epoch: From 1.
        rates: Adam's rate of each model in it.
        validation: What the models reach on the validation pictures behind it.
    """

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

    Binary cross-entropy for the gender model, cross-entropy for the age ranges and L1 for the age;
    Adam at 1e-4, 5e-3 and 1e-3; each rate is lowered when that model's own validation loss stands
    still.

    Args:
        gender_model: Images (N, 3, S, S), RGB in 0..255, to logits (N,), positive for female;
            such as ``VggFace(size=64)``.
        age_range_model: The same images to logits (N, 9); such as ``AgeRangeNet()``.
        age_estimation_model: The same images and range indices (N,) to years (N,); such as
            ``AgeEstimationNet()``.
        train_data: Gives (images, ages, genders), or dictionaries of ``image``, ``age`` and
            ``gender``; images in 0..1 or uint8. A loader over ``UTKFaceDataset`` does.
        device: ``"cuda"``, ``"cpu"``, ``"mps"`` or ``"auto"``.
        weights: A plain state of the same models, to go on from; None starts from the models as
            they are. Optimisers and rates start anew.
        num_epochs: Passes over the training pictures.
        validation_split: Share of the pictures kept for validation. Identical pictures are never
            on both sides, whatever their names.
        save_last_weights: Where the newest weights go after each epoch, as a plain state that
            ``torch.load(..., weights_only=True)`` reads; None: nowhere.
        range_feed: Ranges that the estimator learns from; see ``SeedConfig.range_feed``.
        seed: Of the division, order, dropout and feeding.
        reporter: Hears of the progress; None: silent.

    Returns:
        One ``SeedEpoch`` for each epoch.

    Raises:
        ConfigError: an argument out of range, or a model whose answers have another shape.
        DataError: the loader gives something else, or too little to divide.
        DeviceError: there is no such device here.
        TrainingError: a loss that is not finite.
        UsageError: no such weights file.
        WeightsError: weights of other models.
    """
    reporter = reporter or SilentReporter()
    config = SeedConfig(epochs=num_epochs, range_feed=range_feed, seed=seed)
    resolved = resolve_device(device)
    chosen = resolved.torch
    system = SeedSystem(gender_model, age_range_model, age_estimation_model)
    if weights is not None:
        _take_up(system, Path(weights))
    training, validation = split_loader(train_data, validation_split, seed, reporter)
    system.to(chosen)
    size = _require_answers(system, next(seed_batches(validation, chosen)))
    reporter.info(
        f"device {resolved.name} ({resolved.reason}); "
        f"{len(training.dataset)} training pictures, "  # type: ignore[arg-type]
        f"{len(validation.dataset)} for validation"  # type: ignore[arg-type]
    )
    trainer = JointTrainer.from_config(system, config)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    epochs: list[SeedEpoch] = []
    for epoch in range(num_epochs):
        share = config.true_range_probability(epoch)
        used = trainer.rates()
        with reporter.progress(f"epoch {epoch + 1}/{num_epochs}", len(training)) as task:
            for batch in seed_batches(training, chosen):
                losses = trainer.step(batch, share, generator)
                task.advance(1, f"age {losses.age_estimation:.2f}")
        score = score_seed(system, seed_batches(validation, chosen))
        trainer.end_epoch(vars(score.losses))
        system.age_scale.fill_(score.mae)
        epochs.append(SeedEpoch(epoch + 1, used, score))
        reporter.info(f"epoch {epoch + 1}/{num_epochs}: {score}")
        if save_last_weights is not None:
            save_plain_state(system, size, Path(save_last_weights))
    return tuple(epochs)


def _take_up(system: SeedSystem, path: Path) -> None:
    state = load_plain_state(path)
    try:
        system.load_state_dict(state.system)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path}: tensors do not fit the given models: {detail}") from error


@torch.inference_mode()
def _require_answers(system: SeedSystem, batch: Batch) -> int:
    """Try the models on one batch; the side of its pictures.

    Raises:
        ConfigError: a model fails on it, or its answers have another shape.
    """
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
            answer = model(*inputs)
        except (RuntimeError, TypeError, ConfigError) as error:
            detail = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"{name} fails on pictures {tuple(images.shape)} of train_data: {detail}"
            ) from error
        found = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        if found != shape:
            raise ConfigError(f"{name} answers {found} for {count} pictures; it must be {shape}")
    return int(images.shape[-1])
