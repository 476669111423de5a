"""Mirroring, rotation, scale and shift as one affine map with bilinear sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from utkage.core.transfer import to_device
from utkage.data.augment.config import AugmentConfig
from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom

_MOVES = ("flip", "rotation", "scale", "shift", "shear", "jitter")


@dataclass(frozen=True)
class CropJitter:
    """Standard deviations of the differences between crops of the same face.

    Attributes:
        rotation: Degrees.
        log_scale: Natural logarithm of the ratio of sizes.
        shift_x: As a fraction of the size.
        shift_y: As a fraction of the size.
    """

    rotation: float
    log_scale: float
    shift_x: float
    shift_y: float


# Detected and aligned faces compared with their chips: validation faces of UTKFace (794 of 800
# found) and AAF (617 of 617), pasted at sizes of 60 to 400 pixels and rotated by up to 15 degrees;
# `docs/training.md` has the table.
DETECTION_JITTER = CropJitter(rotation=3.0, log_scale=0.06, shift_x=0.013, shift_y=0.014)


@dataclass(frozen=True)
class Framing:
    """What stored chips show and what the network takes, as fractions of a stored chip's width.

    Attributes:
        width: Width of the part that the result shows; above 1, it has a black margin.
        face: Width of the chip without its margin.
    """

    width: float = 1.0
    face: float = 1.0


WHOLE_CHIP = Framing()


def warp(
    chips: Tensor,
    size: int,
    config: AugmentConfig,
    random: SampleRandom,
    framing: Framing = WHOLE_CHIP,
) -> Tensor:
    """Mirror, rotate, scale and shift each chip; pixels from outside of the chip are black.

    Args:
        chips: uint8 (N, 3, S, S).
        size: Size of the result, pixels.
        config: Strengths of the augmentations.
        random: Random numbers of the N samples.
        framing: The part of the chips that the result shows.

    Returns:
        float32 (N, 3, size, size), 0..255.
    """
    images = chips.float()
    _blank_margins(images, config, random, framing.face)
    width = framing.width
    still = not any(getattr(config, name) for name in _MOVES)
    whole = abs(width - 1) < 1e-6
    # Bilinear sampling would skip pixels of much larger chips, so they are resized first.
    if (still and whole) or images.shape[2] * width >= 2 * size:
        images = _resized(images, round(size / width))
    if still and whole:
        return images
    grid = _grid(width * to_device(_maps(config, random), images.device), size)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _blank_margins(
    images: Tensor, config: AugmentConfig, random: SampleRandom, face: float
) -> None:
    """Blacken what lies outside the face's chip in randomly chosen images, in place."""
    rows = random.chance(Stream.BLANK, config.blank).nonzero().squeeze(1)
    edge = round(images.shape[2] * (1 - face) / 2)
    if len(rows) and edge:
        inner = torch.zeros(images.shape[2:], device=images.device)
        inner[edge:-edge, edge:-edge] = 1
        images[to_device(rows, images.device)] *= inner


def _resized(images: Tensor, size: int) -> Tensor:
    if images.shape[2] == size:
        return images
    return F.interpolate(images, size=size, mode="bilinear", antialias=True)


def _maps(config: AugmentConfig, random: SampleRandom) -> Tensor:
    """Affine maps from results to chips in coordinates of -1 to 1, (N, 2, 3)."""
    measured, jitter = DETECTION_JITTER, config.jitter
    degrees = random.uniform(Stream.ROTATION, -config.rotation, config.rotation)
    degrees += jitter * measured.rotation * random.normal(Stream.JITTER_ROTATION)
    log_zoom = random.uniform(Stream.SCALE, -1, 1) * math.log1p(config.scale)
    log_zoom += jitter * measured.log_scale * random.normal(Stream.JITTER_SCALE)
    shift_x = random.uniform(Stream.SHIFT_X, -config.shift, config.shift)
    shift_x += jitter * measured.shift_x * random.normal(Stream.JITTER_X)
    shift_y = random.uniform(Stream.SHIFT_Y, -config.shift, config.shift)
    shift_y += jitter * measured.shift_y * random.normal(Stream.JITTER_Y)
    mirror = torch.where(random.chance(Stream.FLIP, config.flip), -1.0, 1.0)
    zoom, angle = torch.exp(log_zoom), torch.deg2rad(degrees)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shear = random.uniform(Stream.SHEAR, -config.shear, config.shear)
    aspect = torch.exp(random.uniform(Stream.SHEAR_ASPECT, -config.shear, config.shear))
    # The size is 2 in these coordinates, so shifts are doubled.
    across = (cosine * mirror * aspect, -sine / aspect + shear * zoom, 2 * shift_x)
    down = (sine * mirror * aspect, cosine / aspect, 2 * shift_y)
    rows = (*across, *down)
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def _grid(maps: Tensor, size: int) -> Tensor:
    # Equals F.affine_grid, in a fifth of the time: its matrix product is only three terms long.
    axis = (2 * torch.arange(size, device=maps.device) + 1) / size - 1
    across = maps[:, None, :, 0] * axis[:, None]
    down = maps[:, None, :, 1] * axis[:, None] + maps[:, None, :, 2]
    return across[:, None] + down[:, :, None]
