"""The graph in exported files: a chip graph with the age interval, optionally for any chip size."""

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
    """Outputs of an exported file: ``ChipOutputs`` and the age interval in years, (N,) and (N,)."""

    age: Tensor
    age_distribution: Tensor
    range_probabilities: Tensor
    p_female: Tensor
    age_low: Tensor
    age_high: Tensor


class ExportGraph(nn.Module):
    """uint8 RGB chips (N, H, W, 3) -> ``ExportOutputs``.

    The interval is that of ``Predictions.age_interval``: the central interval of the distribution
    at the level that the calibration requests in the band of the predicted age.

    Args:
        graph: Module from chips of the contract's size to ``ChipOutputs``; ``card`` is its card.
        interval: Nominal coverage of the age interval, between 0 and 1; else ``ConfigError``.
        any_size: Resize chips of any height and width to the contract's size: bilinear with
            antialiasing, like Pillow. Predictions differ a little from those for chips resized by
            ``images.resize``, which averages areas.
    """

    bands: Tensor
    tails: Tensor

    def __init__(
        self, graph: nn.Module, card: Card, *, interval: float, any_size: bool = False
    ) -> None:
        super().__init__()
        if not 0 < interval < 1:
            raise ConfigError(f"interval level {interval} must lie between 0 and 1")
        # Not "graph", which torch.fx uses for modules of its own.
        self.system = graph
        self.card = card
        self.any_size = any_size
        firsts, levels = np.zeros(1), np.full(1, interval)
        if card.calibration is not None:
            firsts = np.array([band.first for band in card.calibration.bands], dtype=np.float64)
            levels = card.calibration.requested_level(interval, firsts)
        # Without the first, because the lowest band includes all lower ages.
        self.register_buffer("bands", torch.tensor(firsts[1:]).float(), persistent=False)
        self.register_buffer("tails", torch.tensor((1 - levels) / 2).float(), persistent=False)

    def forward(self, chips: Tensor) -> ExportOutputs:
        """Predict for a batch of chips."""
        if self.any_size:
            chips = self._resized(chips)
        outputs: ChipOutputs = self.system(chips)
        band = (outputs.age.unsqueeze(1) >= self.bands).sum(dim=1)
        tail = self.tails[band].unsqueeze(1)
        distribution = outputs.age_distribution
        low, high = (quantile_age(distribution, end) for end in (tail, 1 - tail))
        return ExportOutputs(**outputs._asdict(), age_low=low, age_high=high)

    def _resized(self, chips: Tensor) -> Tensor:
        images = chips.permute(0, 3, 1, 2).float()
        size = (self.card.contract.size,) * 2
        images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        return images.permute(0, 2, 3, 1)
