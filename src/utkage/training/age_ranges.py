"""Label distributions of ages that are known only as ranges."""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.data.labels import AGE_COUNT, MAX_AGE

# Years in which the probability halves beyond the first year of a range without an upper end,
# such as 70 and older: such faces are mostly near that year, not spread up to 116.
OPEN_HALF_LIFE = 6.0


def range_distribution(ranges: Tensor) -> Tensor:
    """Probability of each year of a range: equal, or falling if the range has no upper end.

    Args:
        ranges: int64 (N, 2), first and last year; a range that ends at ``MAX_AGE`` has no upper
            end.

    Returns:
        float32 (N, 117), rows summing to 1; 0 outside the range.
    """
    years = torch.arange(AGE_COUNT, device=ranges.device)
    first, last = ranges[:, :1], ranges[:, 1:]
    beyond = (years - first).clamp(min=0).float()
    falling = torch.where(last == MAX_AGE, 0.5 ** (beyond / OPEN_HALF_LIFE), 1.0)
    weights = falling * ((years >= first) & (years <= last))
    return weights / weights.sum(1, keepdim=True)


def distance_to_range(years: Tensor, ranges: Tensor) -> Tensor:
    """Years between each age (N,) and its range (N, 2); 0 inside the range."""
    first, last = ranges[:, 0].to(years.dtype), ranges[:, 1].to(years.dtype)
    return torch.relu(first - years) + torch.relu(years - last)
