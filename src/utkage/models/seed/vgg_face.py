"""The gender network: VGG-Face (Parkhi, Vedaldi, Zisserman 2015, "Deep Face Recognition", table 3).

Thirteen 3 x 3 convolutions in five blocks with max-pooling, and three fully connected layers. The
published network ends in 2622 identities; here the last layer has one output.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from utkage.core.errors import ConfigError

# Convolutions and channels of each block at full width.
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
HIDDEN = 4096
DROPOUT = 0.5
# Each of the five blocks halves the resolution.
STRIDE = 32
# Mean of the training images of the published descriptor, RGB, 0..255.
MEAN = (129.1863, 104.7624, 93.5940)
# Not in the publication; without it, inputs are a hundred times too large for random weights.
SCALE = 128.0


class VggFace(nn.Module):
    """Gender logits: (N, 3, S, S), RGB in 0..255 -> (N,), positive for female.

    Layers have the names of the publication, ``conv1_1`` to ``conv5_3`` and ``fc6`` to ``fc8``.

    Args:
        size: Size of the images, at least 32 pixels; 224 in the publication. ``fc6`` has weights
            for each position of the last feature map, so a network is for one size.
        width: Fraction of the channels and hidden units of every layer; 1 in the publication.
    """

    mean: Tensor

    def __init__(self, size: int = 224, width: float = 1.0) -> None:
        super().__init__()
        if size < STRIDE:
            raise ConfigError(f"size is {size}; VGG-Face takes images of at least {STRIDE} pixels")
        self.size = size
        self._map_size = size // STRIDE
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 3
        for block, (count, full) in enumerate(BLOCKS, start=1):
            outputs = scaled(full, width)
            for number in range(1, count + 1):
                layers[f"conv{block}_{number}"] = nn.Conv2d(channels, outputs, 3, padding=1)
                layers[f"relu{block}_{number}"] = nn.ReLU()
                channels = outputs
            layers[f"pool{block}"] = nn.MaxPool2d(2)
        self.features = nn.Sequential(layers)
        hidden = scaled(HIDDEN, width)
        self.fc6 = nn.Linear(channels * self._map_size**2, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, 1)
        self.dropout = nn.Dropout(DROPOUT)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        # He et al. 2015 (arXiv:1502.01852): thirteen convolutions without normalisation do not
        # train from smaller weights.
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.fc8.weight, std=0.01)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logit.

        Raises:
            ConfigError: images of another size.
        """
        if any(size // STRIDE != self._map_size for size in images.shape[2:]):
            raise ConfigError(
                f"images are {images.shape[3]}x{images.shape[2]}; this VGG-Face is for size "
                f"{self.size}: build one with VggFace(size={images.shape[2]})"
            )
        maps = self.features((images - self.mean) / SCALE)
        hidden = self.dropout(torch.relu(self.fc6(maps.flatten(1))))
        hidden = self.dropout(torch.relu(self.fc7(hidden)))
        logits: Tensor = self.fc8(hidden).squeeze(1)
        return logits


def scaled(full: int, width: float) -> int:
    """Number of channels at a width, at least one; ``full`` is that at width 1."""
    return max(1, round(full * width))
