"""From a recipe to the loss of a batch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from utkage.data.labels import AGE_COUNT
from utkage.engines.training.config import TrainConfig
from utkage.engines.training.losses import (
    age_divergence,
    expected_age_error,
    gender_loss,
    soft_age_labels,
)

# From (age logits, gender logits), ages and genders to one number.
Objective = Callable[[tuple[Tensor, Tensor], Tensor, Tensor], Tensor]


def objective_of(config: TrainConfig) -> Objective:
    """The loss that a recipe asks for, as a mean over faces."""

    def objective(logits: tuple[Tensor, Tensor], ages: Tensor, genders: Tensor) -> Tensor:
        age_logits, gender_logits = logits
        targets = soft_age_labels(
            ages, AGE_COUNT, config.sigma_base, config.sigma_slope, config.sigma_max
        )
        return (
            age_divergence(age_logits, targets)
            + config.l1_weight * expected_age_error(age_logits, ages)
            + config.gender_weight * gender_loss(gender_logits, genders, config.gender_smoothing)
        )

    return objective
