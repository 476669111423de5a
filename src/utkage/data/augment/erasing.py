"""Covering a rectangle with noise: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020."""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.noise import pixel_noise
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

# Range of the share of the image, and of the logarithm of height over width.
AREA = (0.02, 0.2)
LOG_ASPECT = (-1.0, 1.0)


def erase(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Cover a rectangle of randomly chosen images (N, 3, S, S) with uniform noise, in place."""
    rows = random.chance(Stream.ERASE, config.erase).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    size, device = images.shape[2], images.device
    chosen = random.rows(rows)
    top, bottom, left, right = _rectangles(size, chosen).to(device).view(4, -1, 1).unbind()
    place = torch.arange(size, device=device)
    inside_y, inside_x = (place >= top) & (place < bottom), (place >= left) & (place < right)
    inside = (inside_y.unsqueeze(2) & inside_x.unsqueeze(1)).flatten(1)
    number, pixel = inside.nonzero(as_tuple=True)
    noise = 255 * pixel_noise(chosen, Stream.ERASE_NOISE, number, pixel)
    images.permute(0, 2, 3, 1)[rows.to(device)[number], pixel // size, pixel % size] = noise
    return images


def _rectangles(size: int, random: SampleRandom) -> Tensor:
    """Top, bottom, left and right of one rectangle per sample, ends excluded, int64 (4, N)."""
    area = random.uniform(Stream.ERASE_AREA, *AREA) * size * size
    aspect = torch.exp(random.uniform(Stream.ERASE_ASPECT, *LOG_ASPECT))
    height = torch.sqrt(area * aspect).round().clamp_(1, size - 1)
    width = torch.sqrt(area / aspect).round().clamp_(1, size - 1)
    top = (random.uniform(Stream.ERASE_TOP) * (size - height + 1)).floor()
    left = (random.uniform(Stream.ERASE_LEFT) * (size - width + 1)).floor()
    return torch.stack([top, top + height, left, left + width]).long()
