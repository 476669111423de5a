"""The residual network of dlib's face recognition (King 2017), without its descriptor layer.

29 convolutions, after ResNet-34 (He et al. 2016, arXiv:1512.03385) with fewer layers and half the
channels. A block that halves the resolution has a 2x2 average as its shortcut. The two branches may
differ in size and channels: before they are added, the smaller one is padded with zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

STEM_CHANNELS = 32

# Output channels of the fourteen blocks, and whether they halve the resolution.
BLOCKS: tuple[tuple[int, bool], ...] = (
    *[(32, False)] * 3,
    *[(64, True), (64, False), (64, False), (64, False)],
    *[(128, True), (128, False), (128, False)],
    *[(256, True), (256, False), (256, False)],
    (256, True),
)


class ConvNorm(nn.Module):
    """Convolution, unpadded if strided, and batch norm: (N, in, H, W) -> (N, out, H', W')."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit."""
        normed: Tensor = self.norm(self.conv(x))
        return normed


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (N, in, H, W) -> (N, out, H or H // 2, ...)."""

    def __init__(self, inputs: int, outputs: int, *, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.first = ConvNorm(inputs, outputs, 3, 2 if halves else 1)
        self.second = ConvNorm(outputs, outputs, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        shortcut = _halved(x) if self.halves else x
        branch = self.second(F.relu(self.first(_at_least_3(x) if self.halves else x)))
        return F.relu(_padded_sum(branch, shortcut))


class DlibFaceResNet(nn.Module):
    """Normalised images (N, 3, H, W) -> pooled features (N, 256); H and W from 32 up.

    dlib itself takes images of 150 pixels, and at least 103. In smaller images, the last feature
    maps are smaller than the kernels, so they are padded here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, 7, 2)
        channels = STEM_CHANNELS
        blocks = list[nn.Module]()
        for outputs, halves in BLOCKS:
            blocks.append(ResidualBlock(channels, outputs, halves=halves))
            channels = outputs
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Compute features, averaged over all positions."""
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)
        return torch.mean(self.blocks(x), dim=(2, 3))

    def convolutions(self) -> list[ConvNorm]:
        """The 29 convolutions with their norms, in the order of computation."""
        return [module for module in self.modules() if isinstance(module, ConvNorm)]


def _halved(x: Tensor) -> Tensor:
    # With a single row or column, ceil_mode keeps the output from being empty.
    return F.avg_pool2d(x, 2, ceil_mode=min(x.shape[2:]) < 2)


def _at_least_3(x: Tensor) -> Tensor:
    rows, columns = (max(0, 3 - size) for size in x.shape[2:])
    if not rows and not columns:
        return x
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def _padded_sum(first: Tensor, second: Tensor) -> Tensor:
    shape = [max(sizes) for sizes in zip(first.shape[1:], second.shape[1:], strict=True)]
    return _padded(first, shape) + _padded(second, shape)


def _padded(x: Tensor, shape: list[int]) -> Tensor:
    """Append zero channels, rows and columns to (N, C, H, W)."""
    channels, rows, columns = (end - size for end, size in zip(shape, x.shape[1:], strict=True))
    return F.pad(x, (0, columns, 0, rows, 0, channels)) if channels or rows or columns else x
