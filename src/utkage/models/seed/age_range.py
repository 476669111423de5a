"""The age-range network: three convolutional blocks and a classifier of the nine age ranges."""

from __future__ import annotations

from torch import Tensor, nn

from utkage.data.labels import AGE_RANGES

CHANNELS = (32, 64, 128)
POOLED = 4
HIDDEN = 256
DROPOUT = 0.5


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
