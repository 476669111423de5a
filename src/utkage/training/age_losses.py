"""Registry of age losses, with the age head and the point estimate that belong to each.

To add one, write a function from outputs, ages and settings to the loss of each face, and add a
line to ``AGE_LOSSES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from utkage.data.labels import AGE_COUNT
from utkage.training.config_groups import LossConfig
from utkage.training.losses import (
    age_cross_entropy,
    age_divergence,
    age_moments_error,
    coral_loss,
    corn_loss,
    expected_age_error,
    ordinal_age_labels,
    soft_age_labels,
    threshold_probabilities,
    thresholds_passed,
)


@dataclass(frozen=True)
class AgeLoss:
    """One way to train the age head.

    Attributes:
        function: From the outputs of the age head (N, K), ages int64 (N,) and the settings to the
            loss of each face, (N,).
        distillation: From the outputs and a teacher's distributions (N, 117) to the loss of each
            face, (N,).
        head: Kind of age head (``models/age_heads.py``).
        point_estimate: Statistic of the distribution that is the predicted age. Labels are whole
            years, so the whole-year median of a trained distribution has the least expected
            absolute error; ``"mean"`` where only the mean is trained.
    """

    function: Callable[[Tensor, Tensor, LossConfig], Tensor]
    distillation: Callable[[Tensor, Tensor], Tensor] = age_divergence
    head: str = "softmax"
    point_estimate: str = "whole-year median"


def _dldl_v2(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Divergence from Gaussian labels and error of the expectation (Gao et al. 2018)."""
    targets = soft_age_labels(
        ages, AGE_COUNT, config.sigma_base, config.sigma_slope, config.sigma_max
    )
    return age_divergence(logits, targets) + _l1(logits, ages, config)


def _cross_entropy(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Years as classes (Rothe et al. 2015)."""
    return age_cross_entropy(logits, ages)


def _sord(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Divergence from labels that decrease with the distance to the age (Diaz and Marathe 2019)."""
    targets = ordinal_age_labels(ages, AGE_COUNT, config.sord_distance, config.sord_width)
    return age_divergence(logits, targets)


def _coral(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Thresholds that share their weights (Cao, Mirjalili and Raschka 2020)."""
    return coral_loss(logits, thresholds_passed(ages, logits.shape[1]))


def _corn(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Conditional thresholds (Shi, Cao and Raschka 2023)."""
    return corn_loss(logits, thresholds_passed(ages, logits.shape[1]))


def _mean_variance(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Years as classes, with the error of the mean and the variance (Pan et al. 2018)."""
    moments = age_moments_error(logits, ages, config.mean_weight, config.variance_weight)
    return age_cross_entropy(logits, ages) + moments


def _l1(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Error of the expectation alone."""
    return config.l1_weight * expected_age_error(logits, ages)


def _from_thresholds(
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor], Tensor]:
    """Distillation of the teacher's probabilities at the thresholds of ``loss``."""
    return lambda logits, distribution: loss(logits, threshold_probabilities(distribution))


AGE_LOSSES: Mapping[str, AgeLoss] = MappingProxyType(
    {
        "dldl_v2": AgeLoss(_dldl_v2),
        "cross_entropy": AgeLoss(_cross_entropy),
        "sord": AgeLoss(_sord),
        "coral": AgeLoss(_coral, _from_thresholds(coral_loss), head="coral"),
        "corn": AgeLoss(_corn, _from_thresholds(corn_loss), head="corn"),
        "mean_variance": AgeLoss(_mean_variance, point_estimate="mean"),
        "l1": AgeLoss(_l1, point_estimate="mean"),
    }
)
