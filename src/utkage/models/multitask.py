"""The default model: one backbone, an age-distribution head and a gender head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from utkage.data.labels import AGE_COUNT
from utkage.models.registry import get_backbone

HIDDEN = 256


class MultiTaskNet(nn.Module):
    """RGB images in 0..255 -> logits over whole years of age, and one gender logit.

    The age head is a classifier over the years 0..116 whose softmax is read as a distribution
    (Rothe et al. 2015; Gao et al. 2017): its median or mean is the estimate, its quantiles give
    an interval, and its sums over years give the probability of each age range. Both heads share
    a hidden layer of 256 units.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str) -> None:
        super().__init__()
        spec = get_backbone(backbone)
        self.backbone = spec.build()
        self.hidden = nn.Linear(spec.features, HIDDEN)
        self.age = nn.Linear(HIDDEN, AGE_COUNT)
        self.gender = nn.Linear(HIDDEN, 1)
        # Not in the state: they belong to the backbone's definition, not to what was learned.
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the logits.

        Args:
            images: float (N, 3, H, W), RGB, 0..255.

        Returns:
            Age logits (N, 117) and gender logits (N,), where a positive one means female.
        """
        features = self.backbone((images - self.mean) / self.std)
        hidden = torch.relu(self.hidden(features))
        return self.age(hidden), self.gender(hidden).squeeze(1)
