"""The whole way from uint8 chips to calibrated answers, as one module.

The torch predictor runs it and the exporters write it, so preprocessing and decoding exist once
and travel inside every exported file.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from utkage.data.labels import AGE_COUNT, AGE_RANGES
from utkage.models.multitask import MultiTaskNet


class ChipOutputs(NamedTuple):
    """What the graph answers for N chips.

    Attributes:
        age: Point estimate in years, (N,).
        age_distribution: Probability of each whole year 0..116, (N, 117).
        range_probabilities: Probability of each of the nine age ranges, (N, 9).
        p_female: Probability of female, (N,).
    """

    age: Tensor
    age_distribution: Tensor
    range_probabilities: Tensor
    p_female: Tensor


class ChipGraph(nn.Module):
    """uint8 RGB chips (N, H, W, 3) -> ``ChipOutputs``.

    Args:
        network: The model.
        point_estimate: ``"median"`` or ``"mean"``.
        flip: Average the probabilities with those of the mirrored chip.
    """

    year: Tensor
    membership: Tensor

    def __init__(self, network: MultiTaskNet, point_estimate: str, *, flip: bool) -> None:
        super().__init__()
        self.network = network
        self.point_estimate = point_estimate
        self.flip = flip
        self.register_buffer("year", torch.arange(AGE_COUNT).float(), persistent=False)
        membership = torch.zeros(AGE_COUNT, len(AGE_RANGES))
        for index, age_range in enumerate(AGE_RANGES):
            membership[age_range.first : age_range.last + 1, index] = 1.0
        self.register_buffer("membership", membership, persistent=False)

    def forward(self, chips: Tensor) -> ChipOutputs:
        """Answer for a batch of chips."""
        images = chips.permute(0, 3, 1, 2).float()
        if self.flip:
            # One pass over both, so that exported graphs hold the network once.
            both = self._probabilities(torch.cat([images, images.flip(3)]))
            ages, female = (mean_of_views(values) for values in both)
        else:
            ages, female = self._probabilities(images)
        age = median_age(ages) if self.point_estimate == "median" else ages @ self.year
        return ChipOutputs(age, ages, ages @ self.membership, female)

    def _probabilities(self, images: Tensor) -> tuple[Tensor, Tensor]:
        age_logits, gender_logits = self.network(images)
        return torch.softmax(age_logits, dim=1), torch.sigmoid(gender_logits)


def mean_of_views(values: Tensor) -> Tensor:
    """Mean of the answers for N chips and, behind them, for their mirrored selves: (2N, ...)."""
    return values.reshape(2, -1, *values.shape[1:]).mean(dim=0)


def median_age(distribution: Tensor) -> Tensor:
    """Median of age distributions (N, 117) -> (N,), in years, never below 0.

    The mass of year y is taken as spread evenly over [y - 1/2, y + 1/2], so the median moves
    continuously. It is the estimate with the least expected absolute error.
    """
    below = torch.cumsum(distribution, dim=1)
    index = (below < 0.5).sum(dim=1, keepdim=True).clamp(max=distribution.shape[1] - 1)
    mass = distribution.gather(1, index)
    before = below.gather(1, index) - mass
    age = index.float() - 0.5 + (0.5 - before) / mass.clamp(min=1e-9)
    return age.squeeze(1).clamp(min=0.0)
