"""The loss of a batch, as the settings define it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from utkage.training.batches import Blend, Targets
from utkage.training.config_groups import LossConfig
from utkage.training.losses import AGE_LOSSES, gender_loss


class Objective(Protocol):
    """The function that training minimises."""

    def __call__(
        self, outputs: tuple[Tensor, Tensor], targets: Targets, blend: Blend | None = None
    ) -> Tensor:
        """The mean loss of n faces, from age head outputs (n, K) and gender logits (n,)."""


def objective_of(config: LossConfig, age_weights: Tensor | None = None) -> Objective:
    """The objective of the settings.

    Soft targets of teachers take a share of the loss, and labels the rest (Hinton, Vinyals and
    Dean 2015, distillation, arXiv:1503.02531, at temperature 1).

    The loss of a blended face is the weighted sum of the losses for both targets (Zhang et al.
    2018, mixup). For losses that are linear in their targets this is the loss of the blended
    target; a divergence differs from it by a constant.

    Args:
        config: Settings of the losses.
        age_weights: Weight of the age loss by age, (117,); None: 1 for all.
    """
    age_loss = AGE_LOSSES[config.age_loss]

    def losses_of(outputs: tuple[Tensor, Tensor], targets: Targets) -> Tensor:
        age_outputs, gender_logits = outputs
        if targets.offsets is not None:
            age_outputs = age_outputs + targets.offsets
        age = age_loss.function(age_outputs, targets.ages, config)
        gender = gender_loss(gender_logits, targets.genders, config.gender_smoothing)
        if targets.soft_targets is not None:
            share, soft = config.teacher_weight, targets.soft_targets
            age = (1 - share) * age + share * age_loss.distillation(age_outputs, soft.ages)
            gender = (1 - share) * gender + share * gender_loss(gender_logits, soft.genders)
        if age_weights is not None:
            age = age * age_weights.to(targets.ages.device)[targets.ages]
        losses = age + config.gender_weight * gender
        return losses if targets.importance is None else losses * targets.importance

    def objective(
        outputs: tuple[Tensor, Tensor], targets: Targets, blend: Blend | None = None
    ) -> Tensor:
        losses = losses_of(outputs, targets)
        if blend is not None:
            others = losses_of(outputs, blend.others)
            losses = blend.weight * losses + (1 - blend.weight) * others
        return losses.mean()

    return objective
