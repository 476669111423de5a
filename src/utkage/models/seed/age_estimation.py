"""The age-estimation network: years from the image and an embedding of its age range."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from utkage.data.labels import AGE_RANGES, MAX_AGE
from utkage.models.seed.age_range import CHANNELS, POOLED, three_blocks

EMBEDDING = 32
HIDDEN = 256


class AgeEstimationNet(nn.Module):
    """Age in years: (N, 3, S, S), RGB in 0..255, and range indices (N,) -> (N,).

    The age is the middle of the range plus a correction computed from the image and the embedding.
    """

    middles: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.blocks = three_blocks()
        self.embedding = nn.Embedding(len(AGE_RANGES), EMBEDDING)
        self.regressor = nn.Sequential(
            nn.Linear(CHANNELS[-1] * POOLED**2 + EMBEDDING, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 1),
        )
        middles = [(a.first + min(a.last, 90)) / 2 for a in AGE_RANGES]
        self.register_buffer("middles", torch.tensor(middles), persistent=False)

    def forward(self, images: Tensor, ranges: Tensor) -> Tensor:
        """Compute the ages.

        Args:
            images: float (N, 3, S, S).
            ranges: Range indices, int64 (N,), 0..8; the predicted ranges outside of training.
        """
        maps = self.blocks(images / 255 - 0.5).flatten(1)
        joined = torch.cat([maps, self.embedding(ranges)], dim=1)
        years: Tensor = self.middles[ranges] + 10 * self.regressor(joined).squeeze(1)
        # Clamping removes gradients, which training needs below 0 as well.
        return years if self.training else years.clamp(0, MAX_AGE)
