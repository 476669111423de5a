"""The losses of JPEG compression, computed on whole batches without writing a file.

ITU-T T.81 (1992), with the choices of libjpeg: colour halved in both directions, the tables of
Annex K scaled by a quality, and smooth enlargement of the colour. Entropy coding loses nothing and
is left out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

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
    """Give the chosen images the losses of JPEG, in place.

    Args:
        images: float32 (N, 3, S, S), 0..255.
        config: Strengths.
        random: Of the N samples.
    """
    rows = random.chance(Stream.JPEG, config.jpeg).nonzero().squeeze(1)
    if len(rows) == 0:
        return images
    lowest = config.jpeg_quality
    quality = random.rows(rows).uniform(Stream.JPEG_QUALITY, lowest, HIGHEST_QUALITY + 1).floor()
    rows, quality = rows.to(images.device), quality.to(images.device)
    images[rows] = jpeg_losses(images[rows], quality)
    return images


def jpeg_losses(images: Tensor, quality: Tensor) -> Tensor:
    """What is left of images after JPEG compression.

    Args:
        images: float32 (R, 3, H, W), RGB, 0..255.
        quality: (R,), 1..100, whole numbers on the scale of libjpeg.

    Returns:
        float32 (R, 3, H, W), 0..255; not rounded to whole numbers.
    """
    height, width = images.shape[2:]
    # Whole blocks also of the colour, which has half the side.
    beyond = (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK))
    pixels = F.pad(images, beyond, mode="replicate").round()
    luma = (pixels.new_tensor([LUMA]) @ pixels.flatten(2)).view(-1, 1, *pixels.shape[2:]).round()
    red, blue = pixels[:, 0:1] - luma, pixels[:, 2:3] - luma
    spans = _span(2), _span(0)
    colour = F.avg_pool2d(torch.cat([blue / spans[0], red / spans[1]], dim=1), 2).round()

    luma = _quantised(luma - 128, _tables(LUMA_TABLE, quality)) + 128
    luma = luma.clamp_(0, 255)[:, :, :height, :width]
    colour = _quantised(colour, _tables(CHROMA_TABLE, quality)).clamp_(-128, 127)
    colour = F.interpolate(colour, scale_factor=2, mode="bilinear")[:, :, :height, :width]
    blue, red = luma + spans[0] * colour[:, 0:1], luma + spans[1] * colour[:, 1:2]
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.cat([red, green, blue], dim=1).clamp_(0, 255)


def _span(channel: int) -> float:
    """Of the difference between a colour and the luma, for a range as wide as that of colours."""
    return 2 * (1 - LUMA[channel])


def _quantised(planes: Tensor, tables: Tensor) -> Tensor:
    """Round the blocks' cosine coefficients (R, C, H, W) to multiples of tables (R, 64)."""
    transform = _block_transform(planes.device)
    blocks = F.pixel_unshuffle(planes.flatten(0, 1).unsqueeze(1), BLOCK)
    step = tables.repeat_interleave(planes.shape[1], dim=0).unsqueeze(2)
    coefficients = (transform @ blocks.flatten(2)).div_(step).round_().mul_(step)
    restored = (transform.T @ coefficients).view_as(blocks)
    return F.pixel_shuffle(restored, BLOCK).view_as(planes)


def _block_transform(device: torch.device) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of a block's 64 pixels, (64, 64)."""
    place = torch.arange(BLOCK, device=device, dtype=torch.float32)
    cosines = torch.cos((2 * place + 1) * place.unsqueeze(1) * (math.pi / (2 * BLOCK)))
    cosines *= math.sqrt(2 / BLOCK)
    cosines[0] /= math.sqrt(2)
    return torch.kron(cosines, cosines)


def _tables(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """Quantisation steps at each quality, (R, 64), as libjpeg scales them."""
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    table = torch.tensor(base, device=quality.device, dtype=quality.dtype)
    return ((table * percent.unsqueeze(1) + 50) / 100).floor().clamp_(1, 255)
