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
    return _apply(gaussian_matrices(sigma, images.shape[2], images.device), images, rows)


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
    return _apply(resampling_matrices(sides, images.shape[2], images.device), images, rows)


def gaussian_matrices(sigma: Tensor, side: int, device: torch.device) -> Tensor:
    """Gaussian blur along one axis; beyond the border it takes the pixels that are there.

    Args:
        sigma: (R,), standard deviations in pixels, above 0.
        side: Length of the axis, pixels.
        device: Where the matrices shall be.

    Returns:
        (R, side, side), rows summing to 1.
    """
    places = torch.arange(side, device=device, dtype=sigma.dtype)
    exponents = -0.5 * (places[:, None] - places).square()
    return torch.softmax(exponents / sigma.to(device).square().view(-1, 1, 1), dim=2)


def resampling_matrices(sides: Tensor, side: int, device: torch.device) -> Tensor:
    """Shrinking with a triangle filter (antialiased) and bilinear enlargement along one axis.

    Args:
        sides: (R,), whole pixels to shrink to, 1 to ``side``; best on the CPU.
        side: Length of the axis, pixels.
        device: Where the matrices shall be.

    Returns:
        (R, side, side), rows summing to 1.
    """
    small = torch.arange(int(sides.max()), device=sides.device, dtype=sides.dtype) + 0.5
    # An image of fewer small pixels than others has the rest far away from everything.
    small = torch.where(small < sides.view(-1, 1), small, -float(side)).unsqueeze(2).to(device)
    ratio = (side / sides).view(-1, 1, 1).to(device)
    places = torch.arange(side, device=device, dtype=sides.dtype) + 0.5
    # Both filters are the same triangles, one small pixel wide to either side.
    triangles = 1 - (small - places / ratio).abs_()
    triangles.clamp_(min=0)
    shrink = triangles / triangles.sum(dim=2, keepdim=True).clamp_(min=1e-12)
    # Near the border fewer than two small pixels have a share.
    shares = triangles.sum(dim=1).unsqueeze(2)
    return (triangles.transpose(1, 2) @ shrink).div_(shares)


def _apply(matrices: Tensor, images: Tensor, rows: Tensor) -> Tensor:
    rows = rows.to(images.device)
    count, side = len(matrices), images.shape[2]
    # Both products as one large one per image, with its channels side by side.
    across = images[rows].reshape(count, 3 * side, side) @ matrices.transpose(1, 2)
    across = across.view(count, 3, side, side).transpose(1, 2).reshape(count, side, 3 * side)
    images[rows] = (matrices @ across).view(count, side, 3, side).transpose(1, 2)
    return images
