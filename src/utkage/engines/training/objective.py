"""From a recipe to the loss of a batch."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

from utkage.engines.training.age_losses import AGE_LOSSES
from utkage.engines.training.config import TrainConfig
from utkage.engines.training.losses import gender_loss


class Blend(NamedTuple):
    """What the faces of a batch were blended with.

    Attributes:
        ages: int64 (n,), of the other faces.
        genders: int64 (n,), of the other faces.
        weight: float32 (n,), what is left of the face itself, 0..1.
        importance: float32 (n,), how much the other faces weigh in the loss; None: 1 each.
    """

    ages: Tensor
    genders: Tensor
    weight: Tensor
    importance: Tensor | None = None


class Objective(Protocol):
    """What is minimised."""

    def __call__(
        self,
        logits: tuple[Tensor, Tensor],
        ages: Tensor,
        genders: Tensor,
        blend: Blend | None = None,
        importance: Tensor | None = None,
    ) -> Tensor:
        """The mean loss of faces.

        Args:
            logits: Outputs of the age head (n, K) and gender logits (n,).
            ages: int64 (n,), years.
            genders: int64 (n,), 0 male, 1 female.
            blend: The second label of each face, if there are any.
            importance: float32 (n,), how much each face weighs; None: 1 each.

        Returns:
            A scalar.
        """


def objective_of(config: TrainConfig, age_weights: Tensor | None = None) -> Objective:
    """The loss that a recipe asks for, as a mean over faces.

    The loss of a blended face is that with its own label and that with the other's, weighted
    (Zhang et al. 2018, mixup). For the losses that are linear in their targets that is the loss
    of the blended target; a divergence differs from that by a constant only.

    Args:
        config: The recipe.
        age_weights: Weight of the age loss by age, (117,); None: 1 for all.
    """
    age_loss = AGE_LOSSES[config.age_loss].function

    def loss_of(
        logits: tuple[Tensor, Tensor], ages: Tensor, genders: Tensor, importance: Tensor | None
    ) -> Tensor:
        age_logits, gender_logits = logits
        of_age = age_loss(age_logits, ages, config)
        if age_weights is not None:
            of_age = of_age * age_weights.to(ages.device)[ages]
        of_gender = gender_loss(gender_logits, genders, config.gender_smoothing)
        losses = of_age + config.gender_weight * of_gender
        return losses if importance is None else losses * importance

    def objective(
        logits: tuple[Tensor, Tensor],
        ages: Tensor,
        genders: Tensor,
        blend: Blend | None = None,
        importance: Tensor | None = None,
    ) -> Tensor:
        losses = loss_of(logits, ages, genders, importance)
        if blend is not None:
            others = loss_of(logits, blend.ages, blend.genders, blend.importance)
            losses = blend.weight * losses + (1 - blend.weight) * others
        return losses.mean()

    return objective
