"""The graph that exported files hold: chips in, everything that a stranger wants out.

``ChipGraph`` and its like answer what our own engines need; here the age interval is worked out
inside as well, and chips may come in any size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.errors import ConfigError
from utkage.models.card import Card
from utkage.models.chip_graph import ChipOutputs, quantile_age


class ExportOutputs(NamedTuple):
    """What an exported file answers for N chips.

    Attributes:
        age: Point estimate in years, (N,).
        age_distribution: Probability of each whole year 0..116, (N, 117).
        range_probabilities: Probability of each of the nine age ranges, (N, 9).
        p_female: Probability of female, (N,).
        age_low: Lower end of the age interval in years, (N,).
        age_high: Its upper end, (N,).
    """

    age: Tensor
    age_distribution: Tensor
    range_probabilities: Tensor
    p_female: Tensor
    age_low: Tensor
    age_high: Tensor


class ExportGraph(nn.Module):
    """uint8 RGB chips (N, H, W, 3) -> ``ExportOutputs``.

    The interval is that of ``Predictions.age_interval``: a central one of the distribution, of the
    level that the calibration asks for in the band of the predicted age.

    Args:
        graph: From chips of the contract's size to ``ChipOutputs``.
        card: Of its weights.
        interval: Level of the age interval, within 0..1.
        any_size: Bring chips of any height and width to the contract's size first: bilinear, with
            the support widened where it shrinks, like Pillow's. ``images.resize`` averages areas
            instead, so answers differ a little from those for chips that it resized.

    Raises:
        ConfigError: an impossible level.
    """

    bands: Tensor
    tails: Tensor

    def __init__(
        self, graph: nn.Module, card: Card, *, interval: float, any_size: bool = False
    ) -> None:
        super().__init__()
        if not 0 < interval < 1:
            raise ConfigError(f"interval level {interval} must lie between 0 and 1")
        # Not "graph", which modules of torch.fx have for themselves.
        self.system = graph
        self.card = card
        self.any_size = any_size
        firsts, asked = np.zeros(1), np.full(1, interval)
        if card.calibration is not None:
            firsts = np.array([band.first for band in card.calibration.bands], dtype=np.float64)
            asked = card.calibration.asked_level(interval, firsts)
        # The lowest band takes what lies below it.
        self.register_buffer("bands", torch.tensor(firsts[1:]).float(), persistent=False)
        self.register_buffer("tails", torch.tensor((1 - asked) / 2).float(), persistent=False)

    def forward(self, chips: Tensor) -> ExportOutputs:
        """Answer for a batch of chips."""
        if self.any_size:
            chips = self._resized(chips)
        answers: ChipOutputs = self.system(chips)
        band = (answers.age.unsqueeze(1) >= self.bands).sum(dim=1)
        tail = self.tails[band].unsqueeze(1)
        distribution = answers.age_distribution
        low, high = (quantile_age(distribution, end) for end in (tail, 1 - tail))
        return ExportOutputs(**answers._asdict(), age_low=low, age_high=high)

    def _resized(self, chips: Tensor) -> Tensor:
        images = chips.permute(0, 3, 1, 2).float()
        side = (self.card.contract.size,) * 2
        images = F.interpolate(images, side, mode="bilinear", antialias=True, align_corners=False)
        return images.permute(0, 2, 3, 1)
