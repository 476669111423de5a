"""The sequence of augmentations of a batch."""

from __future__ import annotations

from torch import Tensor

from utkage.data.augment.colour import recolour
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.erasing import erase
from utkage.data.augment.geometry import WHOLE_CHIP, Framing, warp
from utkage.data.augment.jpeg import compress
from utkage.data.augment.light import light_from_side, recast
from utkage.data.augment.noise import add_noise
from utkage.data.augment.resolution import blur, soften
from utkage.data.sample_random import SampleRandom


def augment(
    chips: Tensor,
    size: int,
    config: AugmentConfig,
    random: SampleRandom,
    framing: Framing = WHOLE_CHIP,
) -> Tensor:
    """Augment a batch.

    The random numbers of a chip depend on seed, epoch and sample only, not on its batch. Quality
    losses are in their order in photographs: light, optics, resolution, noise, compression.

    Args:
        chips: uint8 (N, S, S, 3), RGB.
        size: Size of the result, pixels.
        config: Strengths of the augmentations; mixup is not part of this function.
        random: Random numbers of the N samples. Keep them on the CPU: a seed then gives the same
            result on every device, and nothing waits for a device.
        framing: The part of the chips that the result shows.

    Returns:
        float32 (N, 3, size, size) in channels-last memory, 0..255.

    Raises:
        ValueError: ``random`` is not for N samples.
    """
    if len(random) != len(chips):
        raise ValueError(f"random numbers of {len(random)} samples for {len(chips)} chips")
    images = warp(chips.permute(0, 3, 1, 2), size, config, random, framing)
    images = light_from_side(images, config, random)
    images = blur(images, config, random)
    images = soften(images, config, random)
    images = add_noise(images, config, random)
    images = compress(images, config, random)
    images = recolour(images, config, random)
    images = recast(images, config, random)
    return erase(images, config, random)
