"""From a recipe to the loss of a batch."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from utkage.training.age_losses import AGE_LOSSES
from utkage.training.config_groups import LossConfig
from utkage.training.losses import gender_loss
from utkage.training.targets import Blend, Targets


class Objective(Protocol):
    """What is minimised."""

    def __call__(
        self, logits: tuple[Tensor, Tensor], targets: Targets, blend: Blend | None = None
    ) -> Tensor:
        """The mean loss of faces.

        Args:
            logits: Outputs of the age head (n, K) and gender logits (n,).
            targets: Of n faces.
            blend: The second targets of each face, if there are any.

        Returns:
            A scalar.
        """


def objective_of(config: LossConfig, age_weights: Tensor | None = None) -> Objective:
    """The loss that a recipe asks for, as a mean over faces.

    Where there are teachers, their answers take a share of the loss and labels the rest (Hinton,
    Vinyals and Dean 2015, distillation, arXiv:1503.02531, at temperature 1).

    The loss of a blended face is that with its own targets and that with the other's, weighted
    (Zhang et al. 2018, mixup). For the losses that are linear in their targets that is the loss
    of the blended target; a divergence differs from that by a constant only.

    Args:
        config: The recipe.
        age_weights: Weight of the age loss by age, (117,); None: 1 for all.
    """
    age_loss = AGE_LOSSES[config.age_loss]

    def loss_of(logits: tuple[Tensor, Tensor], targets: Targets) -> Tensor:
        age_logits, gender_logits = logits
        of_age = age_loss.function(age_logits, targets.ages, config)
        of_gender = gender_loss(gender_logits, targets.genders, config.gender_smoothing)
        if targets.soft_targets is not None:
            share, soft_targets = config.teacher_weight, targets.soft_targets
            of_age = (1 - share) * of_age + share * age_loss.taught(age_logits, soft_targets.ages)
            taught_gender = gender_loss(gender_logits, soft_targets.genders, 0.0)
            of_gender = (1 - share) * of_gender + share * taught_gender
        if age_weights is not None:
            of_age = of_age * age_weights.to(targets.ages.device)[targets.ages]
        losses = of_age + config.gender_weight * of_gender
        return losses if targets.importance is None else losses * targets.importance

    def objective(
        logits: tuple[Tensor, Tensor], targets: Targets, blend: Blend | None = None
    ) -> Tensor:
        losses = loss_of(logits, targets)
        if blend is not None:
            others = loss_of(logits, blend.others)
            losses = blend.weight * losses + (1 - blend.weight) * others
        return losses.mean()

    return objective
