"""Augmentation of whole batches, on the training device, from a seeded generator.

Input is uint8 chips; output float images in 0..255, which is what networks here take. The
geometric jitter covers what a detector's landmarks do to a crop, so that real photographs are
within what was learned from aligned chips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class AugmentConfig:
    """How strongly chips are varied.

    Attributes:
        flip: Probability of mirroring.
        rotation: Largest turn to either side, degrees.
        scale: Largest change of size, as a fraction.
        shift: Largest shift along each axis, as a fraction of the side.
        brightness: Largest change of brightness, as a fraction.
        contrast: Largest change of contrast, as a fraction.
        saturation: Largest change of saturation, as a fraction.
        grey: Probability of losing all colour.
        soften: Probability of losing resolution (shrunk to 35-80 % and enlarged again).
        erase: Probability of covering a rectangle with noise (Zhong et al. 2020).
    """

    flip: float = 0.5
    rotation: float = 12.0
    scale: float = 0.15
    shift: float = 0.06
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    grey: float = 0.1
    soften: float = 0.15
    erase: float = 0.25


NO_AUGMENTATION = AugmentConfig(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def augment(chips: Tensor, size: int, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Vary a batch.

    Args:
        chips: uint8 (N, S, S, 3), RGB.
        size: Side of the result, pixels.
        config: Strengths.
        generator: Source of all randomness; lives on the CPU, so that a seed gives the same
            variations on every device.

    Returns:
        float32 (N, 3, size, size), 0..255.
    """
    images = chips.permute(0, 3, 1, 2).float()
    # Sampling is bilinear: of much larger chips it would see every second pixel only.
    if images.shape[2] >= 2 * size:
        images = F.interpolate(images, size=size, mode="bilinear", antialias=True)
    images = _warp(images, size, config, generator)
    images = _soften(images, config, generator)
    images = _recolour(images, config, generator)
    return _erase(images, config, generator)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _warp(images: Tensor, size: int, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    count = len(images)
    angle = _uniform(count, -config.rotation, config.rotation, generator) * (math.pi / 180)
    zoom = torch.exp(_uniform(count, -1, 1, generator) * math.log1p(config.scale))
    mirror = torch.where(torch.rand(count, generator=generator) < config.flip, -1.0, 1.0)
    # grid_sample's coordinates run from -1 to 1, so a fraction of the side counts double.
    shift_x = _uniform(count, -2 * config.shift, 2 * config.shift, generator)
    shift_y = _uniform(count, -2 * config.shift, 2 * config.shift, generator)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.stack(
        [
            torch.stack([cosine * mirror, -sine, shift_x], dim=1),
            torch.stack([sine * mirror, cosine, shift_y], dim=1),
        ],
        dim=1,
    ).to(images.device)
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _soften(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(images), generator=generator) < config.soften
    factor = float(_uniform(1, 0.35, 0.8, generator))
    if not bool(chosen.any()):
        return images
    rows = chosen.nonzero().squeeze(1).to(images.device)
    side = images.shape[2]
    small = F.interpolate(
        images[rows], size=max(16, round(side * factor)), mode="bilinear", antialias=True
    )
    images[rows] = F.interpolate(small, size=side, mode="bilinear")
    return images


def _recolour(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    count = len(images)
    brightness = 1 + _uniform(count, -config.brightness, config.brightness, generator)
    contrast = 1 + _uniform(count, -config.contrast, config.contrast, generator)
    saturation = 1 + _uniform(count, -config.saturation, config.saturation, generator)
    grey = torch.rand(count, generator=generator) < config.grey
    saturation = torch.where(grey, torch.zeros(()), saturation)

    def column(values: Tensor) -> Tensor:
        return values.to(images.device).view(-1, 1, 1, 1)

    luma = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    middle = luma.mean(dim=(2, 3), keepdim=True)
    images = luma + (images - luma) * column(saturation)
    images = middle + (images - middle) * column(contrast)
    return (images * column(brightness)).clamp_(0, 255)


def _erase(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    side = images.shape[2]
    chosen = torch.rand(len(images), generator=generator) < config.erase
    for index in chosen.nonzero().squeeze(1).tolist():
        area = float(_uniform(1, 0.02, 0.2, generator)) * side * side
        aspect = math.exp(float(_uniform(1, -1.0, 1.0, generator)))
        height = max(1, min(side - 1, round(math.sqrt(area * aspect))))
        width = max(1, min(side - 1, round(math.sqrt(area / aspect))))
        top = int(torch.randint(0, side - height + 1, (1,), generator=generator))
        left = int(torch.randint(0, side - width + 1, (1,), generator=generator))
        noise = torch.rand((3, height, width), generator=generator) * 255
        images[index, :, top : top + height, left : left + width] = noise.to(images.device)
    return images
