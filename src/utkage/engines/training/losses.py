"""The losses of the default model, each a pure function of logits and labels."""

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


def age_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence from label distributions to predictions (DLDL).

    Args:
        logits: (N, years).
        targets: (N, years), rows summing to 1.
    """
    return F.kl_div(F.log_softmax(logits, dim=1), targets, reduction="batchmean")


def expected_age_error(logits: Tensor, ages: Tensor) -> Tensor:
    """Mean absolute error of the expected age, in years (Gao et al. 2018, DLDL-v2).

    Args:
        logits: (N, years).
        ages: (N,), years.
    """
    grid = torch.arange(logits.shape[1], device=logits.device, dtype=logits.dtype)
    expected = torch.softmax(logits, dim=1) @ grid
    return (expected - ages.float()).abs().mean()


def gender_loss(logits: Tensor, genders: Tensor, smoothing: float) -> Tensor:
    """Binary cross-entropy with label smoothing (Szegedy et al. 2016, arXiv:1512.00567).

    Args:
        logits: (N,), positive for female.
        genders: (N,), 0 male, 1 female.
        smoothing: Moves targets from 0 and 1 to ``smoothing / 2`` and ``1 - smoothing / 2``.
    """
    targets = genders.to(logits.dtype) * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, targets)
