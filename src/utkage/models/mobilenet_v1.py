"""MobileNetV1 (Howard et al. 2017, arXiv:1704.04861), width 1.0, without its classifier.

Strided convolutions pad on the right and bottom only, as TensorFlow's "SAME" does, because
the published face networks were trained with that padding.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

# Output channels and stride of the thirteen depthwise-separable blocks.
BLOCKS: tuple[tuple[int, int], ...] = (
    *[(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)],
    *[(512, 1)] * 5,
    *[(1024, 2), (1024, 1)],
)


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU6: (N, in, H, W) -> (N, out, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.pads_one_side = stride == 2
        padding = 0 if self.pads_one_side else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit."""
        if self.pads_one_side:
            x = F.pad(x, (0, 1, 0, 1))
        return F.relu6(self.norm(self.conv(x)))


class MobileNetV1(nn.Module):
    """Normalised images (N, 3, H, W) -> pooled features (N, 1024); H and W from 32 up."""

    def __init__(self) -> None:
        super().__init__()
        units: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 32
        units["stem"] = ConvUnit(3, channels, 3, 2, 1)
        for index, (outputs, stride) in enumerate(BLOCKS, start=1):
            units[f"depthwise_{index}"] = ConvUnit(channels, channels, 3, stride, channels)
            units[f"pointwise_{index}"] = ConvUnit(channels, outputs, 1, 1, 1)
            channels = outputs
        self.units = nn.Sequential(units)

    def forward(self, x: Tensor) -> Tensor:
        """Compute features, averaged over all positions."""
        return torch.mean(self.units(x), dim=(2, 3))
