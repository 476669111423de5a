"""The two age networks: the nine age ranges, and years from the image and its range."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from utkage.data.labels import AGE_RANGES, MAX_AGE

CHANNELS = (32, 64, 128)
POOLED = 4
HIDDEN = 256
DROPOUT = 0.5
EMBEDDING = 32


class AgeRangeNet(nn.Module):
    """Logits of the nine ranges: (N, 3, S, S), RGB in 0..255 -> (N, 9), for S from 32 up."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = three_blocks()
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(CHANNELS[-1] * POOLED**2, HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, len(AGE_RANGES)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits."""
        logits: Tensor = self.classifier(self.blocks(images / 255 - 0.5))
        return logits


class AgeEstimationNet(nn.Module):
    """Age in years: (N, 3, S, S), RGB in 0..255, and range indices 0..8, int64 (N,) -> (N,).

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
        """Compute the ages; outside of training, ``ranges`` are the predicted ones."""
        maps = self.blocks(images / 255 - 0.5).flatten(1)
        joined = torch.cat([maps, self.embedding(ranges)], dim=1)
        years: Tensor = self.middles[ranges] + 10 * self.regressor(joined).squeeze(1)
        # Clamping removes gradients, which training needs below 0 as well.
        return years if self.training else years.clamp(0, MAX_AGE)


def three_blocks() -> nn.Sequential:
    """Three blocks of convolution, max-pooling, batch norm and ReLU -> (N, 128, 4, 4).

    Batch norm is not part of the description; without it, the described learning rate of 5e-3
    diverges. It follows the pooling, where it has a quarter of the positions to normalise.
    """
    layers: list[nn.Module] = []
    channels = 3
    for outputs in CHANNELS:
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
        channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(POOLED))
