"""Noise of small sensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from utkage.core.transfer import to_device
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

WEAKEST = 2.0
# Bits of noise per channel; those of three channels fit into one random number.
BITS = 21


def pixel_noise(random: SampleRandom, stream: Stream, rows: Tensor, pixels: Tensor) -> Tensor:
    """Uniform noise of 0..1 for three channels of pixels, float32 (K, 3).

    Args:
        random: Random numbers of the samples.
        stream: Stream of the noise.
        rows: Row of each pixel's sample, int64 (K,).
        pixels: Number of each pixel in its image, int64 (K,).
    """
    bits = random.bits_at(stream, rows, pixels)
    channels = torch.arange(3, device=rows.device) * BITS
    return (bits.unsqueeze(1) >> channels).bitwise_and_((1 << BITS) - 1).float() / (1 << BITS)


def add_noise(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Add uniform noise to randomly chosen images (N, 3, S, S), in place."""
    rows = random.chance(Stream.NOISE, config.noise).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    size, chosen = images.shape[2], random.rows(rows)
    deviation = chosen.uniform(Stream.NOISE_STRENGTH, WEAKEST, config.noise_strength)
    # A uniform distribution of width 1 has a standard deviation of 1 / sqrt(12).
    width = to_device(deviation * math.sqrt(12), images.device).view(-1, 1, 1, 1)
    sample = torch.arange(len(rows), device=images.device).repeat_interleave(size * size)
    pixel = torch.arange(size * size, device=images.device).repeat(len(rows))
    noise = pixel_noise(chosen, Stream.NOISE_PIXELS, sample, pixel) - 0.5
    noise = noise.view(-1, size, size, 3).permute(0, 3, 1, 2)
    rows = to_device(rows, images.device)
    images[rows] = (images[rows] + width * noise).clamp_(0, 255)
    return images
