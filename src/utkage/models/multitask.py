"""The default model: one backbone, an age head and a gender head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from utkage.models.age_heads import get_age_head
from utkage.models.registry import get_backbone

HIDDEN = 256


class MultiTaskNet(nn.Module):
    """RGB images in 0..255 -> outputs of an age head, and one gender logit.

    The outputs of the age head define a distribution over the years 0..116 (``age_heads``): with
    softmax, as the classifier of Rothe et al. 2015 and Gao et al. 2017. Both heads share a hidden
    layer of 256 units. Unknown names of a backbone or an age head raise ``ConfigError``.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str, age_head: str = "softmax") -> None:
        super().__init__()
        spec = get_backbone(backbone)
        self.backbone = spec.build()
        self.hidden = nn.Linear(spec.features, HIDDEN)
        head = get_age_head(age_head)
        self.age_head = age_head
        self.age_distribution = head.distribution
        self.age = head.build(HIDDEN)
        self.gender = nn.Linear(HIDDEN, 1)
        # Not persistent: they are part of the backbone's definition, not trained.
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(spec.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the outputs of both heads for float images (N, 3, H, W), RGB in 0..255.

        Returns:
            Outputs of the age head (N, K) for ``age_distribution``: 117 logits of years, or 116
            of thresholds. Gender logits (N,); positive means female.
        """
        features = self.backbone((images - self.mean) / self.std)
        hidden = torch.relu(self.hidden(features))
        return self.age(hidden), self.gender(hidden).squeeze(1)
