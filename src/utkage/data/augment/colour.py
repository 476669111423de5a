"""Brightness, contrast, saturation and conversion to grey."""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.core.transfer import to_device
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

# Weights of red, green and blue; ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


def recolour(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Scale saturation about each pixel's luma, contrast about the mean luma, and brightness.

    Returns:
        float32 (N, 3, H, W) like ``images``, in channels-last memory, clamped to 0..255.
    """
    brightness = 1 + random.uniform(Stream.BRIGHTNESS, -config.brightness, config.brightness)
    contrast = 1 + random.uniform(Stream.CONTRAST, -config.contrast, config.contrast)
    saturation = 1 + random.uniform(Stream.SATURATION, -config.saturation, config.saturation)
    grey = random.chance(Stream.GREY, config.grey)
    saturation = torch.where(grey, torch.zeros_like(saturation), saturation)
    # All three changes are one linear map of the pixel, its luma, and the mean luma.
    own = brightness * contrast * saturation
    from_luma = brightness * contrast * (1 - saturation)
    from_middle = brightness * (1 - contrast)
    factors = to_device(torch.stack([own, from_luma, from_middle], dim=1), images.device)
    own, from_luma, from_middle = factors.view(-1, 3, 1, 1, 1).unbind(dim=1)

    luma = to_device(torch.tensor([LUMA]), images.device) @ images.flatten(2)
    luma = luma.view(-1, 1, *images.shape[2:])
    # In two steps, because the rounding of a single one depends on the number of images.
    middle = luma.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)
    luma = luma.mul_(from_luma).add_(middle * from_middle)
    result = torch.empty_like(images, memory_format=torch.channels_last)
    return torch.addcmul(luma, images, own, out=result).clamp_(0, 255)
