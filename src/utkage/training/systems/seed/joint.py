"""One joint step of the three models, and their validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name
from torch.optim.lr_scheduler import ReduceLROnPlateau

from utkage.core.errors import TrainingError
from utkage.core.transfer import to_device
from utkage.data.labels import AGE_COUNT, range_index
from utkage.models.seed.system import SeedSystem
from utkage.training.optimiser_state import load_optimiser, load_plateau
from utkage.training.systems.seed.config import SeedConfig

MODELS = ("gender", "age_range", "age_estimation")

# Images (N, 3, S, S) in 0..255, whole ages (N,) and genders (N,).
Batch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class SeedLosses:
    """The loss of each model: binary cross-entropy, cross-entropy, L1 in years."""

    gender: float
    age_range: float
    age_estimation: float


@dataclass(frozen=True)
class SeedScore:
    """Metrics of the system on some faces.

    Attributes:
        losses: Mean loss of each model; that of the estimator with predicted ranges.
        mae: MAE end to end, with predicted ranges fed to the estimator, years.
        oracle_mae: MAE with true ranges, which are unknown in use, years.
    """

    losses: SeedLosses
    gender_accuracy: float
    range_accuracy: float
    mae: float
    oracle_mae: float


class JointTrainer:
    """Three models with Adam and a plateau each; each is trained by its own loss alone."""

    def __init__(self, system: SeedSystem, config: SeedConfig) -> None:
        # Convolutions on a CPU are faster in this memory format, with the same results.
        self.system = system.to(memory_format=torch.channels_last)
        rates = (config.gender_rate, config.range_rate, config.age_rate)
        self.optimizers = {
            name: torch.optim.Adam(getattr(system, name).parameters(), lr=rate)
            for name, rate in zip(MODELS, rates, strict=True)
        }
        self._plateaus = {
            name: ReduceLROnPlateau(optimizer, factor=config.factor, patience=config.patience)
            for name, optimizer in self.optimizers.items()
        }

    def step(self, batch: Batch, true_share: float, generator: torch.Generator) -> Tensor:
        """Take one step of each model on the same batch.

        With the probability ``true_share`` the estimator is fed the true range of a face; the CPU
        ``generator`` chooses these faces.

        Returns:
            (3,), on the device: the losses, for ``losses_of``.
        """
        images, ages, genders = batch
        images = images.contiguous(memory_format=torch.channels_last)
        truth = ranges_of(ages)
        system = self.system.train()
        gender = F.binary_cross_entropy_with_logits(system.gender(images), genders.float())
        logits = system.age_range(images)
        ranges = F.cross_entropy(logits, truth)
        # A range is an index, so no gradient flows from the estimator into the range model.
        true = to_device(torch.rand(len(ages), generator=generator) < true_share, ages.device)
        fed = torch.where(true, truth, logits.detach().argmax(dim=1))
        age = F.l1_loss(system.age_estimation(images, fed), ages.float())
        for name, loss in zip(MODELS, (gender, ranges, age), strict=True):
            optimizer = self.optimizers[name]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return torch.stack([gender, ranges, age]).detach()

    def end_epoch(self, losses: Mapping[str, float]) -> None:
        """Reduce the rate of each model whose own validation loss is on a plateau."""
        for name, plateau in self._plateaus.items():
            plateau.step(losses[name])

    def rates(self) -> dict[str, float]:
        """The current learning rate of each model."""
        return {name: float(o.param_groups[0]["lr"]) for name, o in self.optimizers.items()}

    def state_dict(self) -> dict[str, Any]:
        """State of optimisers and plateaus."""
        return {
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "plateaus": {name: p.state_dict() for name, p in self._plateaus.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore such a state."""
        for name, optimizer in self.optimizers.items():
            load_optimiser(optimizer, state["optimizers"][name])
            load_plateau(self._plateaus[name], state["plateaus"][name])


def losses_of(numbers: Sequence[float]) -> SeedLosses:
    """The losses that ``JointTrainer.step`` returned.

    Raises:
        TrainingError: one of them is not finite.
    """
    for name, value in zip(MODELS, numbers, strict=True):
        if not math.isfinite(value):
            raise TrainingError(f"the loss of the {name} model is {value}; lower its rate")
    return SeedLosses(*numbers)


@torch.inference_mode()
def score_seed(system: SeedSystem, batches: Iterable[Batch]) -> SeedScore:
    """Evaluate the system, in evaluation mode, end to end and with true ranges."""
    system.eval()
    sums = np.zeros(7)
    for images, ages, genders in batches:
        truth = ranges_of(ages)
        outputs = system(images)
        oracle = system.age_estimation(images, truth)
        gender = F.binary_cross_entropy_with_logits(outputs.gender, genders.float())
        count = len(ages)
        sums += [
            count,
            float(gender) * count,
            float(F.cross_entropy(outputs.ranges, truth)) * count,
            float(((outputs.gender > 0).long() == genders).sum()),
            float((outputs.ranges.argmax(dim=1) == truth).sum()),
            float((outputs.age - ages).abs().sum()),
            float((oracle - ages).abs().sum()),
        ]
    gender, ranges, right_genders, right_ranges, mae, oracle_mae = (sums[1:] / sums[0]).tolist()
    return SeedScore(SeedLosses(gender, ranges, mae), right_genders, right_ranges, mae, oracle_mae)


def ranges_of(ages: Tensor) -> Tensor:
    """Indices of the age ranges of whole ages, (N,) -> (N,)."""
    table = torch.tensor([range_index(age) for age in range(AGE_COUNT)])
    return to_device(table, ages.device)[ages.long()]
