"""The loss of a batch, as the settings define it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from utkage.training.age_ranges import range_distribution
from utkage.training.batches import Blend, Targets
from utkage.training.config_groups import LossConfig
from utkage.training.losses import AGE_LOSSES, AgeLoss, gender_loss


class Objective(Protocol):
    """The function that training minimises."""

    def __call__(
        self, outputs: tuple[Tensor, Tensor], targets: Targets, blend: Blend | None = None
    ) -> Tensor:
        """The mean loss of n faces, from age head outputs (n, K) and gender logits (n,)."""


def objective_of(
    config: LossConfig,
    age_weights: Tensor | None = None,
    source_offsets: Tensor | None = None,
) -> Objective:
    """The objective of the settings.

    Soft targets of teachers take a share of the loss, and labels the rest (Hinton, Vinyals and
    Dean 2015, distillation, arXiv:1503.02531, at temperature 1).

    A face adds the losses of those labels that it has. An age that is a range is compared with a
    distribution over the range.

    The loss of a blended face is the weighted sum of the losses for both targets (Zhang et al.
    2018, mixup). For losses that are linear in their targets this is the loss of the blended
    target; a divergence differs from it by a constant.

    Args:
        config: Settings of the losses.
        age_weights: Weight of the age loss by age, (117,), on the device of the outputs; None: 1
            for all.
        source_offsets: Added to the age logits of the faces of each source, (sources, 117), as by
            ``logit_adjustment.source_offsets``, on the device of the outputs; None: nothing.
    """
    age_loss = AGE_LOSSES[config.age_loss]

    def losses_of(outputs: tuple[Tensor, Tensor], targets: Targets) -> Tensor:
        age_outputs, gender_logits = outputs
        if source_offsets is not None:
            age_outputs = age_outputs + source_offsets[targets.sources]
        age = _age_losses(age_loss, age_outputs, targets, config)
        gender = _gender_losses(gender_logits, targets.genders, config)
        if targets.soft_targets is not None:
            share, soft = config.teacher_weight, targets.soft_targets
            age = (1 - share) * age + share * age_loss.distillation(age_outputs, soft.ages)
            gender = (1 - share) * gender + share * gender_loss(gender_logits, soft.genders)
        if age_weights is not None:
            age = age * _weights_of(age_weights, targets)
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


def _age_losses(loss: AgeLoss, outputs: Tensor, targets: Targets, config: LossConfig) -> Tensor:
    """Loss of the age of each face, (n,); 0 for faces of unknown age."""
    if targets.age_ranges is None:
        return loss.function(outputs, targets.ages, config)
    in_years = loss.function(outputs, targets.ages.clamp(min=0), config)
    in_ranges = loss.range_function(outputs, targets.age_ranges.clamp(min=0), config)
    known = targets.age_ranges[:, 0] >= 0
    losses = torch.where(targets.ages >= 0, in_years, in_ranges)
    return torch.where(known, losses, torch.zeros_like(losses))


def _gender_losses(logits: Tensor, genders: Tensor, config: LossConfig) -> Tensor:
    """Loss of the gender of each face, (n,); 0 for faces of unknown gender."""
    return gender_loss(logits, genders.clamp(min=0), config.gender_smoothing) * (genders >= 0)


def _weights_of(age_weights: Tensor, targets: Targets) -> Tensor:
    """Weight of the age of each face, (n,); that of a range is the mean over its distribution."""
    if targets.age_ranges is None:
        return age_weights[targets.ages]
    return range_distribution(targets.age_ranges.clamp(min=0)) @ age_weights
