"""Losses of each face, as pure functions, and the registry of age losses with their heads.

Shapes, unless a function says otherwise: ``logits`` (N, years), ``ages`` int64 (N,) in whole years,
and the loss (N,). No function takes a mean, because faces may be weighted and a blended face has
two labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.data.labels import AGE_COUNT
from utkage.training.age_ranges import distance_to_range, range_distribution
from utkage.training.config_groups import LossConfig


def soft_age_labels(ages: Tensor, years: int, base: float, slope: float, top: float) -> Tensor:
    """Gaussian label distributions over whole years (Gao et al. 2017, DLDL, arXiv:1611.01731).

    The older a face is, the less certain is its apparent age, so the standard deviation grows
    with age: from ``base`` years at age 0 by ``slope`` per year, up to ``top``. Class i is age i.

    Returns:
        (N, years), rows summing to 1.
    """
    sigma = (base + slope * ages.float()).clamp(max=top).unsqueeze(1)
    return torch.softmax(-0.5 * (_differences(ages, years) / sigma).square(), dim=1)


def ordinal_age_labels(ages: Tensor, years: int, distance: str, width: float) -> Tensor:
    """Softmax of minus the distance to the age (Diaz and Marathe 2019, SORD, CVPR).

    The ``distance`` is ``"absolute"`` or ``"square"``, in units of ``width`` years; 1 in the paper.

    Returns:
        (N, years), rows summing to 1.
    """
    distances = (_differences(ages, years) / width).abs()
    return torch.softmax(-(distances.square() if distance == "square" else distances), dim=1)


def age_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Kullback-Leibler divergence from target distributions (N, years) to predictions (DLDL)."""
    return F.kl_div(F.log_softmax(logits, dim=1), targets, reduction="none").sum(1)


def age_cross_entropy(logits: Tensor, ages: Tensor) -> Tensor:
    """Cross-entropy with the years as classes (Rothe et al. 2015, DEX, ICCV workshops)."""
    return F.cross_entropy(logits, ages, reduction="none")


def expected_age_error(logits: Tensor, ages: Tensor) -> Tensor:
    """Absolute error of the expected age, years (Gao et al. 2018, DLDL-v2, IJCAI)."""
    return (expected_age(logits) - ages.to(logits.dtype)).abs()


def expected_age(logits: Tensor) -> Tensor:
    """Mean of the predicted distribution over years, (N,)."""
    return torch.softmax(logits, dim=1) @ _classes(logits).to(logits.dtype)


def age_moments_error(
    logits: Tensor, ages: Tensor, mean_weight: float, variance_weight: float
) -> Tensor:
    """Squared error of the mean, and the variance about it (Pan et al. 2018, CVPR).

    ``mean_weight / 2 * (m - age)^2 + variance_weight * v``, with the mean m and the variance v of
    the predicted distribution. The paper adds it to cross-entropy, with weights 0.2 and 0.05.
    """
    years = _classes(logits).to(logits.dtype)
    distribution = torch.softmax(logits, dim=1)
    mean = distribution @ years
    # The mean of squares minus the square of the mean would lose digits.
    variance = (distribution * (years - mean.unsqueeze(1)).square()).sum(1)
    error = (mean - ages.to(logits.dtype)).square()
    return mean_weight / 2 * error + variance_weight * variance


def thresholds_passed(ages: Tensor, thresholds: int) -> Tensor:
    """Whether each age is above k, for k = 0..K-1: ages (N,) -> 0 or 1, (N, K)."""
    grid = torch.arange(thresholds, device=ages.device)
    return (ages.unsqueeze(1) > grid).to(torch.get_default_dtype())


def threshold_probabilities(distribution: Tensor) -> Tensor:
    """P(age > k) for k = 0..K-1 of distributions over K + 1 years, (N, K + 1) -> (N, K)."""
    # Sums of floats may end above 1.
    return (1 - torch.cumsum(distribution, dim=1)[:, :-1]).clamp(0, 1)


def coral_loss(logits: Tensor, passed: Tensor) -> Tensor:
    """Binary cross-entropy at all thresholds (Cao, Mirjalili and Raschka 2020, arXiv:1901.07884).

    The sum over k of the cross-entropy of "age > k", all with importance 1.

    Args:
        logits: (N, K), of P(age > k) for k = 0..K-1.
        passed: (N, K), targets of these probabilities.
    """
    targets = passed.to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)


def corn_loss(logits: Tensor, passed: Tensor) -> Tensor:
    """Binary cross-entropy at the thresholds that a face reaches (Shi, Cao and Raschka 2023).

    A face reaches threshold k if its age is above k - 1. The sum over its thresholds is minus the
    logarithm of the probability of its year. The paper (arXiv:2111.08851) divides the sum over a
    batch by the number of thresholds reached in it, which gives a face less weight beside older
    ones; here each face has the same weight.

    Args:
        logits: (N, K), of P(age > k given age > k - 1) for k = 0..K-1.
        passed: (N, K), targets of P(age > k), decreasing with k.
    """
    passed = passed.to(logits.dtype)
    reached = torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], dim=1)
    stayed = reached - passed
    return -(passed * F.logsigmoid(logits) + stayed * F.logsigmoid(-logits)).sum(1)


def gender_loss(logits: Tensor, genders: Tensor, smoothing: float = 0.0) -> Tensor:
    """Binary cross-entropy with label smoothing (Szegedy et al. 2016, arXiv:1512.00567).

    Args:
        logits: (N,), positive for female.
        genders: (N,), 0 male, 1 female, or P(female).
        smoothing: Moves targets from 0 and 1 to ``smoothing / 2`` and ``1 - smoothing / 2``.
    """
    targets = genders.to(logits.dtype) * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _differences(ages: Tensor, years: int) -> Tensor:
    """Year less age for each year and face, float32 (N, years)."""
    grid = torch.arange(years, device=ages.device, dtype=torch.float32).unsqueeze(0)
    return grid - ages.float().unsqueeze(1)


def _classes(logits: Tensor) -> Tensor:
    """The numbers of the columns, which are years or thresholds, int64 (K,)."""
    return torch.arange(logits.shape[1], device=logits.device)


@dataclass(frozen=True)
class AgeLoss:
    """One way to train the age head.

    Attributes:
        function: From the outputs of the age head (N, K), ages int64 (N,) and the settings to the
            loss of each face, (N,).
        range_function: The same for ages that are ranges, int64 (N, 2) first and last year. It
            compares with a distribution over the range, and never with a single age.
        distillation: From the outputs and a teacher's distributions (N, 117) to the loss of each
            face, (N,).
        head: Kind of age head (``models/age_heads.py``).
        point_estimate: Statistic of the distribution that is the predicted age. Labels are whole
            years, so the whole-year median of a trained distribution has the least expected
            absolute error; ``"mean"`` where only the mean is trained.
    """

    function: Callable[[Tensor, Tensor, LossConfig], Tensor]
    range_function: Callable[[Tensor, Tensor, LossConfig], Tensor]
    distillation: Callable[[Tensor, Tensor], Tensor] = age_divergence
    head: str = "softmax"
    point_estimate: str = "whole-year median"


def gaussian_age_labels(ages: Tensor, config: LossConfig) -> Tensor:
    """The soft labels of ``soft_age_labels`` by the settings, (N, 117)."""
    widths = (config.sigma_base, config.sigma_slope, config.sigma_max)
    return soft_age_labels(ages, AGE_COUNT, *widths)


def _dldl_v2(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Divergence from Gaussian labels and error of the expectation (Gao et al. 2018)."""
    return age_divergence(logits, gaussian_age_labels(ages, config)) + _l1(logits, ages, config)


def _sord(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Divergence from labels that decrease with the distance to the age (Diaz and Marathe 2019)."""
    targets = ordinal_age_labels(ages, AGE_COUNT, config.sord_distance, config.sord_width)
    return age_divergence(logits, targets)


def _mean_variance(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Years as classes, with the error of the mean and the variance (Pan et al. 2018)."""
    moments = age_moments_error(logits, ages, config.mean_weight, config.variance_weight)
    return age_cross_entropy(logits, ages) + moments


def _l1(logits: Tensor, ages: Tensor, config: LossConfig) -> Tensor:
    """Error of the expectation alone."""
    return config.l1_weight * expected_age_error(logits, ages)


def _all_years(ranges: Tensor) -> Tensor:
    return torch.arange(AGE_COUNT, device=ranges.device)


def _dldl_v2_range(logits: Tensor, ranges: Tensor, config: LossConfig) -> Tensor:
    """Divergence from the mean Gaussian of the range, and distance of the expectation to it."""
    targets = range_distribution(ranges) @ gaussian_age_labels(_all_years(ranges), config)
    return age_divergence(logits, targets) + _l1_range(logits, ranges, config)


def _cross_entropy_range(logits: Tensor, ranges: Tensor, config: LossConfig) -> Tensor:
    return age_divergence(logits, range_distribution(ranges))


def _sord_range(logits: Tensor, ranges: Tensor, config: LossConfig) -> Tensor:
    years = _all_years(ranges)
    labels = ordinal_age_labels(years, AGE_COUNT, config.sord_distance, config.sord_width)
    return age_divergence(logits, range_distribution(ranges) @ labels)


def _mean_variance_range(logits: Tensor, ranges: Tensor, config: LossConfig) -> Tensor:
    distance = distance_to_range(expected_age(logits), ranges)
    moments = config.mean_weight / 2 * distance.square()
    return _cross_entropy_range(logits, ranges, config) + moments


def _l1_range(logits: Tensor, ranges: Tensor, config: LossConfig) -> Tensor:
    """Distance of the expectation to the range alone."""
    return config.l1_weight * distance_to_range(expected_age(logits), ranges)


def _at_thresholds(head: str, loss: Callable[[Tensor, Tensor], Tensor]) -> AgeLoss:
    """A loss of thresholds, which are passed or not, or have a teacher's probabilities."""
    return AgeLoss(
        lambda logits, ages, _: loss(logits, thresholds_passed(ages, logits.shape[1])),
        lambda logits, ranges, _: loss(logits, threshold_probabilities(range_distribution(ranges))),
        lambda logits, distribution: loss(logits, threshold_probabilities(distribution)),
        head,
    )


AGE_LOSSES: Mapping[str, AgeLoss] = MappingProxyType(
    {
        "dldl_v2": AgeLoss(_dldl_v2, _dldl_v2_range),
        "cross_entropy": AgeLoss(
            lambda logits, ages, _: age_cross_entropy(logits, ages), _cross_entropy_range
        ),
        "sord": AgeLoss(_sord, _sord_range),
        "coral": _at_thresholds("coral", coral_loss),
        "corn": _at_thresholds("corn", corn_loss),
        "mean_variance": AgeLoss(_mean_variance, _mean_variance_range, point_estimate="mean"),
        "l1": AgeLoss(_l1, _l1_range, point_estimate="mean"),
    }
)
