"""Blending pairs of a batch: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.

The face that one is blended with depends on its batch, by nature; so this is apart from
``augment``, where nothing does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from utkage.data.augment.streams import Stream
from utkage.data.sample_random import SampleRandom


@dataclass(frozen=True)
class Mixing:
    """Which faces of a batch are blended, with what, and how much.

    Attributes:
        partner: int64 (N,), the row that each face is blended with; never its own, unless N is 1.
        weight: float32 (N,), what is left of the face itself, 0..1; 1 where nothing is blended.
    """

    partner: Tensor
    weight: Tensor


@dataclass(frozen=True)
class Mixed:
    """A blended batch.

    A loss of it is, face by face, ``weight * loss(labels) + (1 - weight) *
    loss(labels[partner])``.

    Attributes:
        images: float32 (N, 3, H, W).
        partner: int64 (N,), the row that each face was blended with; never its own, unless N
            is 1.
        weight: float32 (N,), what is left of the face itself, 0..1; 1 where nothing was blended.
    """

    images: Tensor
    partner: Tensor
    weight: Tensor


def mix(images: Tensor, random: SampleRandom, alpha: float, probability: float) -> Mixed:
    """Blend faces with others of their batch.

    Args:
        images: float32 (N, 3, H, W); left as they are.
        random: Of the N samples.
        alpha: As in ``draw_mixing``.
        probability: As there.

    Raises:
        ValueError: ``random`` is not for N samples, or alpha or probability out of range.
    """
    if len(random) != len(images):
        raise ValueError(f"random numbers of {len(random)} samples for {len(images)} images")
    mixing = draw_mixing(random, alpha, probability)
    partner, weight = mixing.partner.to(images.device), mixing.weight.to(images.device)
    return Mixed(blend(images, images[partner], weight), partner, weight)


def draw_mixing(random: SampleRandom, alpha: float, probability: float) -> Mixing:
    """Draw what becomes of each face of a batch.

    Whether and how much a face is blended is a function of its seed, epoch and sample; its
    partner is one of the set of samples in the batch, whatever their order.

    Args:
        random: Of the N samples.
        alpha: Both parameters of the beta distribution of the weight, above 0; small values
            leave most faces nearly alone, 1 is uniform.
        probability: Of being blended, 0..1.

    Raises:
        ValueError: alpha or probability out of range.
    """
    if not (alpha > 0 and 0 <= probability <= 1):
        raise ValueError(f"alpha {alpha} must be above 0, probability {probability} within 0..1")
    chosen = random.chance(Stream.MIXUP, probability)
    return Mixing(_partners(random), torch.where(chosen, _beta(alpha, random), 1.0))


def blend(images: Tensor, others: Tensor, weight: Tensor) -> Tensor:
    """``weight * images + (1 - weight) * others``; the very images where the weight is 1.

    Args:
        images: float32 (N, 3, H, W); left as they are.
        others: float32 (N, 3, H, W).
        weight: float32 (N,), 0..1.
    """
    return torch.lerp(others, images, weight.view(-1, 1, 1, 1))


def _partners(random: SampleRandom) -> Tensor:
    """The samples in a random ring; the partner of each is the next, int64 (N,)."""
    order = torch.argsort(random.bits(Stream.MIXUP_PARTNER))
    partner = torch.empty_like(order)
    partner[order] = order.roll(-1)
    return partner


def _beta(alpha: float, random: SampleRandom) -> Tensor:
    """Numbers from the symmetric beta distribution, float32 (N,).

    Devroye, "Random variate generation in one line of code", WSC 1996: from Bailey's polar method
    for Student's t.
    """
    power = random.uniform(Stream.MIXUP_WEIGHT).double() ** (1 / alpha)
    cosine = torch.cos(2 * math.pi * random.uniform(Stream.MIXUP_ANGLE).double())
    far = (1 - power) * cosine.square()
    # Both are zero only where the first number is 0: the limit is at either end.
    ratio = far / (power + far).clamp_(min=1e-300)
    return (0.5 + 0.5 * torch.sign(cosine) * torch.sqrt(ratio)).float()
