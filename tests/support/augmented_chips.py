"""Drawn and photographed chips, and their augmentation by single settings."""

from __future__ import annotations

import numpy as np
import torch
from skimage import data

from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.sample_random import SampleRandom


def images_of(chips: torch.Tensor) -> torch.Tensor:
    """The chips without any variation, as networks take them."""
    return chips.permute(0, 3, 1, 2).float()


def chips(count: int = 4, size: int = 40, seed: int = 0) -> torch.Tensor:
    """Random pixels, uint8 (count, size, size, 3)."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def varied(source: torch.Tensor, size: int, config: AugmentConfig, seed: int = 0) -> torch.Tensor:
    """The chips augmented in epoch 0 at another size."""
    return augment(source, size, config, SampleRandom(seed, 0, torch.arange(len(source))))


def only(**changes: float) -> AugmentConfig:
    """Settings that augment in one way."""
    return AugmentConfig(**{**vars(NO_AUGMENTATION), **changes})


def photographs(size: int) -> torch.Tensor:
    """Parts of the astronaut, uint8 (5, size, size, 3)."""
    corners = [(0, 160), (100, 100), (300, 200), (20, 160), (250, 0)]
    picture = data.astronaut()
    parts = [picture[y : y + size, x : x + size] for y, x in corners]
    return torch.from_numpy(np.stack(parts))
