"""JPEG compression losses, computed on whole batches without writing files.

ITU-T T.81 (1992) with the choices of libjpeg: chroma at half the resolution, the tables of Annex K
scaled by the quality, and smooth enlargement of the chroma. Entropy coding is lossless and
therefore omitted.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.transfer import to_device
from utkage.data.augment.colour import LUMA
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

HIGHEST_QUALITY = 95
BLOCK = 8

# fmt: off
# T.81, tables K.1 and K.2.
LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)
CHROMA_TABLE = (
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
)
# fmt: on


def compress(images: Tensor, config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Apply JPEG losses to randomly chosen images (N, 3, S, S), 0..255, in place."""
    rows = random.chance(Stream.JPEG, config.jpeg).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    lowest = config.jpeg_quality
    quality = random.rows(rows).uniform(Stream.JPEG_QUALITY, lowest, HIGHEST_QUALITY + 1).floor()
    rows = to_device(rows, images.device)
    images[rows] = jpeg_losses(images[rows], quality)
    return images


def jpeg_losses(images: Tensor, quality: Tensor) -> Tensor:
    """Compress images as JPEG does and decompress them again.

    Args:
        images: float32 (R, 3, H, W), RGB, 0..255.
        quality: Whole numbers 1..100 on the scale of libjpeg, (R,), best on the CPU.

    Returns:
        float32 (R, 3, H, W), 0..255; not rounded to whole numbers.
    """
    height, width = images.shape[2:]
    # Pad to whole blocks also of the chroma, which has half the size.
    beyond = (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK))
    padded = F.pad(images, beyond, mode="replicate") if any(beyond) else images
    to_ycc, device = _to_ycc(), images.device
    planes = (to_device(to_ycc, device) @ padded.flatten(2)).view_as(padded)
    # Chroma is centred on zero; so must be the luma.
    planes[:, 0] -= 128
    planes.round_()
    luma = _quantised(planes[:, :1], to_device(_tables(LUMA_TABLE, quality), device))
    chroma_tables = to_device(_tables(CHROMA_TABLE, quality), device)
    chroma = _quantised(F.avg_pool2d(planes[:, 1:], 2).round_(), chroma_tables)
    chroma = chroma[:, :, : (height + 1) // 2, : (width + 1) // 2]
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    planes = torch.cat([luma[:, :, :height, :width], chroma], dim=1).flatten(2)
    to_rgb = to_device(torch.linalg.inv(to_ycc), device).expand(len(images), 3, 3)
    pixels = torch.baddbmm(planes.new_full((), 128.0), to_rgb, planes)
    return pixels.clamp_(0, 255).view_as(images)


def _to_ycc() -> Tensor:
    """The matrix from RGB to luma and the two chroma channels of JFIF, (3, 3)."""
    luma = torch.tensor(LUMA)
    blue, red = torch.eye(3)[[2, 0]] - luma
    # Scaled to the same range of values as RGB.
    return torch.stack([luma, blue / (2 * (1 - LUMA[2])), red / (2 * (1 - LUMA[0]))])


def _quantised(planes: Tensor, tables: Tensor) -> Tensor:
    """Round the cosine coefficients of planes (R, C, H, W) to multiples of tables (R, 64)."""
    transform = to_device(_block_transform(), planes.device)
    blocks = F.pixel_unshuffle(planes.flatten(0, 1).unsqueeze(1), BLOCK)
    steps = tables.repeat_interleave(planes.shape[1], dim=0).unsqueeze(2)
    # Dividing the transform by the steps saves two passes over the image.
    coefficients = ((transform / steps) @ blocks.flatten(2)).round_()
    restored = ((transform * steps).transpose(1, 2) @ coefficients).view_as(blocks)
    return F.pixel_shuffle(restored, BLOCK).view_as(planes)


def _block_transform() -> Tensor:
    """The orthonormal cosine transform (DCT-II) of a block's 64 pixels, (64, 64)."""
    place = torch.arange(BLOCK, dtype=torch.float32)
    cosines = torch.cos((2 * place + 1) * place.unsqueeze(1) * (math.pi / (2 * BLOCK)))
    cosines *= math.sqrt(2 / BLOCK)
    cosines[0] /= math.sqrt(2)
    return torch.kron(cosines, cosines)


def _tables(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """Quantisation steps at each quality, (R, 64), as libjpeg scales them."""
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    table = torch.tensor(base, device=quality.device, dtype=quality.dtype)
    return ((table * percent.unsqueeze(1) + 50) / 100).floor().clamp_(1, 255)
