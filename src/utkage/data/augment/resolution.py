"""Blur and lower resolution, with a different strength for each image.

Both are linear and separable, so each is a matrix M along one axis, and an image X becomes M X Mᵀ.
On CPUs this is faster than convolving each image with its own kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from utkage.core.transfer import to_device
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

SOFTEN_MOST = 0.8
SMALLEST_SIZE = 16
# The weakest blur is this share of the strongest.
BLUR_LEAST = 0.2


def blur(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Blur randomly chosen images (N, 3, S, S) with Gaussians, in place."""
    rows = random.chance(Stream.BLUR, config.blur).nonzero().squeeze(1)
    if len(rows) == 0 or config.blur_sigma == 0:
        return images
    largest = config.blur_sigma * images.shape[2]
    sigma = random.rows(rows).uniform(Stream.BLUR_SIGMA, BLUR_LEAST * largest, largest)
    return _apply(gaussian_matrices(sigma, images.shape[2], images.device), images, rows)


def soften(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Shrink randomly chosen images (N, 3, S, S) and enlarge them again, in place."""
    rows = random.chance(Stream.SOFTEN, config.soften).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    factors = random.rows(rows).uniform(Stream.SOFTEN_FACTOR, config.soften_least, SOFTEN_MOST)
    sizes = torch.round(factors * images.shape[2]).clamp_(min=SMALLEST_SIZE)
    return _apply(resampling_matrices(sizes, images.shape[2], images.device), images, rows)


def gaussian_matrices(sigma: Tensor, size: int, device: torch.device) -> Tensor:
    """Matrices of a Gaussian blur along one axis; at the border the kernel is cut and normalised.

    Args:
        sigma: Standard deviations in pixels, above 0, (R,).
        size: Length of the axis, pixels.
        device: Device of the matrices.

    Returns:
        (R, size, size), rows summing to 1.
    """
    places = torch.arange(size, device=device, dtype=sigma.dtype)
    exponents = -0.5 * (places[:, None] - places).square()
    return torch.softmax(exponents / to_device(sigma, device).square().view(-1, 1, 1), dim=2)


def resampling_matrices(small_sizes: Tensor, size: int, device: torch.device) -> Tensor:
    """Matrices that shrink with an antialiased triangle filter and enlarge bilinearly on one axis.

    Args:
        small_sizes: Whole pixels to shrink to, 1 to ``size``, (R,); best on the CPU.
        size: Length of the axis, pixels.
        device: Device of the matrices.

    Returns:
        (R, size, size), rows summing to 1.
    """
    count = int(small_sizes.max())
    small = torch.arange(count, device=small_sizes.device, dtype=small_sizes.dtype) + 0.5
    # Images with fewer small pixels have the surplus ones far outside, where they have no weight.
    inside = small < small_sizes.view(-1, 1)
    small = to_device(torch.where(inside, small, -float(size)).unsqueeze(2), device)
    ratio = to_device((size / small_sizes).view(-1, 1, 1), device)
    places = torch.arange(size, device=device, dtype=small_sizes.dtype) + 0.5
    # Both filters are the same triangles, which reach one small pixel to either side.
    triangles = 1 - (small - places / ratio).abs_()
    triangles.clamp_(min=0)
    shrink = triangles / triangles.sum(dim=2, keepdim=True).clamp_(min=1e-12)
    # Near the border, fewer than two small pixels contribute.
    shares = triangles.sum(dim=1).unsqueeze(2)
    return (triangles.transpose(1, 2) @ shrink).div_(shares)


def _apply(matrices: Tensor, images: Tensor, rows: Tensor) -> Tensor:
    rows = to_device(rows, images.device)
    count, size = len(matrices), images.shape[2]
    # One large product per image and axis, with the channels beside each other.
    across = images[rows].reshape(count, 3 * size, size) @ matrices.transpose(1, 2)
    across = across.view(count, 3, size, size).transpose(1, 2).reshape(count, size, 3 * size)
    images[rows] = (matrices @ across).view(count, size, 3, size).transpose(1, 2)
    return images
