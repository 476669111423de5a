"""What is learned for one face, each a pure function from outputs and labels to a loss a face.

None of them takes a mean: faces may weigh differently, and a blended face has two labels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name


def soft_age_labels(ages: Tensor, years: int, base: float, slope: float, top: float) -> Tensor:
    """Gaussian label distributions over whole years (Gao et al. 2017, DLDL, arXiv:1611.01731).

    Apparent ages are less certain the older a face is, so the width grows with age.

    Args:
        ages: (N,), years.
        years: Number of classes; class i is age i.
        base: Standard deviation at age 0, years.
        slope: Its growth per year.
        top: Its upper bound.

    Returns:
        (N, years), rows summing to 1.
    """
    sigma = (base + slope * ages.float()).clamp(max=top).unsqueeze(1)
    grid = torch.arange(years, device=ages.device, dtype=torch.float32).unsqueeze(0)
    return torch.softmax(-0.5 * ((grid - ages.float().unsqueeze(1)) / sigma).square(), dim=1)


def ordinal_age_labels(ages: Tensor, years: int, distance: str, width: float) -> Tensor:
    """Label distributions that fall with the distance (Diaz and Marathe 2019, SORD, CVPR).

    The softmax over all years of minus their distance to the age.

    Args:
        ages: (N,), years.
        years: Number of classes; class i is age i.
        distance: ``"absolute"`` or ``"square"``.
        width: Unit of the distance, years; 1 is the paper.

    Returns:
        (N, years), rows summing to 1.
    """
    grid = torch.arange(years, device=ages.device, dtype=torch.float32).unsqueeze(0)
    apart = ((grid - ages.float().unsqueeze(1)) / width).abs()
    return torch.softmax(-(apart.square() if distance == "square" else apart), dim=1)


def age_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Kullback-Leibler divergence from label distributions to predictions (DLDL).

    Args:
        logits: (N, years).
        targets: (N, years), rows summing to 1.

    Returns:
        (N,).
    """
    return F.kl_div(F.log_softmax(logits, dim=1), targets, reduction="none").sum(1)


def age_cross_entropy(logits: Tensor, ages: Tensor) -> Tensor:
    """Cross-entropy of the years as classes (Rothe et al. 2015, DEX, ICCV workshops).

    Args:
        logits: (N, years).
        ages: int64 (N,), years.

    Returns:
        (N,).
    """
    return F.cross_entropy(logits, ages, reduction="none")


def expected_age_error(logits: Tensor, ages: Tensor) -> Tensor:
    """Absolute error of the expected age, in years (Gao et al. 2018, DLDL-v2, IJCAI).

    Args:
        logits: (N, years).
        ages: (N,), years.

    Returns:
        (N,).
    """
    expected = torch.softmax(logits, dim=1) @ _classes(logits).to(logits.dtype)
    return (expected - ages.to(logits.dtype)).abs()


def age_moments_error(
    logits: Tensor, ages: Tensor, mean_weight: float, variance_weight: float
) -> Tensor:
    """Squared error of the mean and the variance about it (Pan et al. 2018, CVPR).

    ``mean_weight / 2 * (m - age)^2 + variance_weight * v`` with the mean m and the variance v of
    the predicted distribution; the paper adds it to cross-entropy, with weights 0.2 and 0.05.

    Args:
        logits: (N, years).
        ages: (N,), years.
        mean_weight: Per square year.
        variance_weight: Per square year.

    Returns:
        (N,).
    """
    years = _classes(logits).to(logits.dtype)
    distribution = torch.softmax(logits, dim=1)
    mean = distribution @ years
    # Not the mean of squares less the square of the mean: that loses digits.
    variance = (distribution * (years - mean.unsqueeze(1)).square()).sum(1)
    error = (mean - ages.to(logits.dtype)).square()
    return mean_weight / 2 * error + variance_weight * variance


def passed_by_age(ages: Tensor, thresholds: int) -> Tensor:
    """Whether each age is above k, for k = 0..K-1: ages (N,) -> 0 or 1, (N, K)."""
    grid = torch.arange(thresholds, device=ages.device)
    return (ages.unsqueeze(1) > grid).to(torch.get_default_dtype())


def passed_by_distribution(distribution: Tensor) -> Tensor:
    """P(age > k) for k = 0..K-1 of distributions over K + 1 years, (N, K + 1) -> (N, K)."""
    # Sums of floats may end above 1.
    return (1 - torch.cumsum(distribution, dim=1)[:, :-1]).clamp(0, 1)


def coral_loss(logits: Tensor, passed: Tensor) -> Tensor:
    """Binary cross-entropy at each threshold (Cao, Mirjalili and Raschka 2020, arXiv:1901.07884).

    The sum over k of the cross-entropy of "age > k", all with importance 1.

    Args:
        logits: (N, K), of P(age > k) for k = 0..K-1.
        passed: (N, K), what these probabilities should be.

    Returns:
        (N,).
    """
    targets = passed.to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)


def corn_loss(logits: Tensor, passed: Tensor) -> Tensor:
    """Binary cross-entropy at each threshold that is reached (Shi, Cao and Raschka 2023).

    Of "age > k", a face teaches those k that it is not below: it has age > k - 1. The sum over
    them is minus the logarithm of the probability of its year. The paper (arXiv:2111.08851)
    divides the sum over a batch by the number of questions in it, so that a face weighs less
    beside old ones; here the batch's mean over faces is taken.

    Args:
        logits: (N, K), of P(age > k given age > k - 1) for k = 0..K-1.
        passed: (N, K), what P(age > k) should be, falling with k.

    Returns:
        (N,).
    """
    passed = passed.to(logits.dtype)
    reached = torch.cat([torch.ones_like(passed[:, :1]), passed[:, :-1]], dim=1)
    stayed = reached - passed
    return -(passed * F.logsigmoid(logits) + stayed * F.logsigmoid(-logits)).sum(1)


def gender_loss(logits: Tensor, genders: Tensor, smoothing: float) -> Tensor:
    """Binary cross-entropy with label smoothing (Szegedy et al. 2016, arXiv:1512.00567).

    Args:
        logits: (N,), positive for female.
        genders: (N,), 0 male, 1 female, or P(female).
        smoothing: Moves targets from 0 and 1 to ``smoothing / 2`` and ``1 - smoothing / 2``.

    Returns:
        (N,).
    """
    targets = genders.to(logits.dtype) * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _classes(logits: Tensor) -> Tensor:
    """The numbers of the columns, which are years or thresholds, int64 (K,)."""
    return torch.arange(logits.shape[1], device=logits.device)
