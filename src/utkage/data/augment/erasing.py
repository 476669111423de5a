"""Covering a rectangle with noise: Zhong et al., "Random Erasing Data Augmentation", AAAI 2020."""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.core.transfer import to_device
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
    rectangles = _rectangles(size, chosen)
    # The host counts the pixels, because a count by the device would have to be waited for.
    count = int(((rectangles[1] - rectangles[0]) * (rectangles[3] - rectangles[2])).sum())
    top, bottom, left, right = to_device(rectangles, device).unbind()
    width = right - left
    area = (bottom - top) * width
    number = torch.repeat_interleave(area, output_size=count)
    place = torch.arange(count, device=device) - (area.cumsum(0) - area)[number]
    y, x = top[number] + place // width[number], left[number] + place % width[number]
    noise = 255 * pixel_noise(chosen, Stream.ERASE_NOISE, number, y * size + x)
    images.permute(0, 2, 3, 1)[to_device(rows, device)[number], y, x] = noise
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
