"""Blur and loss of resolution, a different one for each image.

Both are linear and separable, so each is a matrix M for an image's side, and an image X becomes
M X Mᵀ. Multiplying with it is faster on CPUs than convolving each image with a kernel of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

SOFTEN_LEAST, SOFTEN_MOST = 0.35, 0.8
SMALLEST_SIDE = 16
# The weakest blur is this share of the strongest.
BLUR_LEAST = 0.2


def blur(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Blur the chosen images with Gaussians, in place.

    Args:
        images: float32 (N, 3, S, S).
        config: Strengths.
        random: Of the N samples.
    """
    rows = random.chance(Stream.BLUR, config.blur).nonzero().squeeze(1)
    if len(rows) == 0 or config.blur_sigma == 0:
        return images
    largest = config.blur_sigma * images.shape[2]
    sigma = random.rows(rows).uniform(Stream.BLUR_SIGMA, BLUR_LEAST * largest, largest)
    return _apply(gaussian_matrices(sigma.to(images.device), images.shape[2]), images, rows)


def soften(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Take resolution from the chosen images, in place: shrunk and enlarged again.

    Args:
        images: float32 (N, 3, S, S).
        config: Strengths.
        random: Of the N samples.
    """
    rows = random.chance(Stream.SOFTEN, config.soften).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    factors = random.rows(rows).uniform(Stream.SOFTEN_FACTOR, SOFTEN_LEAST, SOFTEN_MOST)
    sides = torch.round(factors * images.shape[2]).clamp_(min=SMALLEST_SIDE)
    return _apply(resampling_matrices(sides.to(images.device), images.shape[2]), images, rows)


def gaussian_matrices(sigma: Tensor, side: int) -> Tensor:
    """Gaussian blur along one axis; beyond the border it takes the pixels that are there.

    Args:
        sigma: (R,), standard deviations in pixels, above 0.
        side: Length of the axis, pixels.

    Returns:
        (R, side, side), rows summing to 1.
    """
    places = torch.arange(side, device=sigma.device, dtype=sigma.dtype)
    distance = (places[:, None] - places) / sigma.view(-1, 1, 1)
    return _normalised(torch.exp(-0.5 * distance.square()))


def resampling_matrices(sides: Tensor, side: int) -> Tensor:
    """Shrinking with a triangle filter (antialiased) and bilinear enlargement along one axis.

    Args:
        sides: (R,), whole pixels to shrink to, 1 to ``side``.
        side: Length of the axis, pixels.

    Returns:
        (R, side, side), rows summing to 1.
    """
    sides = sides.view(-1, 1, 1)
    places = torch.arange(side, device=sides.device, dtype=sides.dtype) + 0.5
    ratio = side / sides
    small = torch.arange(int(sides.max()), device=sides.device, dtype=sides.dtype) + 0.5
    # In rows beyond an image's small side there is no pixel; nothing is enlarged from there.
    shrink = (1 - (small[:, None] * ratio - places).abs() / ratio).clamp_(min=0)
    shrink = _normalised(shrink)
    at = torch.minimum((places[:, None] / ratio).clamp(min=0.5), sides - 0.5)
    enlarge = (1 - (at - small).abs()).clamp_(min=0)
    return enlarge @ shrink


def _normalised(weights: Tensor) -> Tensor:
    return weights.div_(weights.sum(dim=2, keepdim=True).clamp_(min=1e-12))


def _apply(matrices: Tensor, images: Tensor, rows: Tensor) -> Tensor:
    rows = rows.to(images.device)
    count, side = len(matrices), images.shape[2]
    # Both products as one large one per image, with its channels side by side.
    across = images[rows].reshape(count, 3 * side, side) @ matrices.transpose(1, 2)
    across = across.view(count, 3, side, side).transpose(1, 2).reshape(count, side, 3 * side)
    images[rows] = (matrices @ across).view(count, side, 3, side).transpose(1, 2)
    return images
