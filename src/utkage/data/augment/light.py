"""Light and print: side light, gamma and colour casts, as in old and badly lit photographs."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from utkage.core.transfer import to_device
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

# Range of the strength of side light; at 0.5, the light falls from 1.5 to 0.5 across the chip.
SIDE_LIGHT = (0.2, 0.7)


def light_from_side(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Light randomly chosen images (N, 3, S, S) from one direction, in place."""
    rows = random.chance(Stream.SIDE_LIGHT, config.side_light).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    chosen = random.rows(rows)
    angle = chosen.uniform(Stream.SIDE_LIGHT_ANGLE, 0, 2 * math.pi)
    strength = chosen.uniform(Stream.SIDE_LIGHT_STRENGTH, *SIDE_LIGHT)
    direction = torch.stack([strength * torch.cos(angle), strength * torch.sin(angle)])
    x, y = to_device(direction, images.device)[:, :, None, None]
    axis = torch.linspace(-1, 1, images.shape[2], device=images.device)
    ramp = 1 + x * axis + y * axis[:, None]
    rows = to_device(rows, images.device)
    images[rows] = (images[rows] * ramp.unsqueeze(1)).clamp_(0, 255)
    return images


def recast(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Change gamma in all images (N, 3, S, S), and the colour of the light in some."""
    if config.gamma:
        exponent = torch.exp(random.uniform(Stream.GAMMA, -config.gamma, config.gamma))
        exponent = to_device(exponent, images.device).view(-1, 1, 1, 1)
        images = 255 * (images / 255).clamp_(1e-4, 1).pow_(exponent)
    rows = random.chance(Stream.CAST, config.cast).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    chosen = random.rows(rows)
    streams = (Stream.CAST_RED, Stream.CAST_GREEN, Stream.CAST_BLUE)
    gains = [1 + chosen.uniform(s, -config.cast_strength, config.cast_strength) for s in streams]
    rows = to_device(rows, images.device)
    factors = to_device(torch.stack(gains, dim=1), images.device)[:, :, None, None]
    images[rows] = (images[rows] * factors).clamp_(0, 255)
    return images
