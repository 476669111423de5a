"""Blending pairs of a batch: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.

The partner of a face depends on its batch. The results of ``augment`` do not, so mixing is
separate.
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
    """Partners and weights of the faces in a batch.

    Attributes:
        partner: int64 (N,), row of each face's partner; never its own, unless N is 1.
        weight: float32 (N,), share of the face itself, 0..1; 1 where nothing is blended.
    """

    partner: Tensor
    weight: Tensor


def draw_mixing(random: SampleRandom, alpha: float, probability: float) -> Mixing:
    """Draw the partner and the weight of each face in a batch.

    Whether and how much a face is blended is a function of its seed, epoch and sample; its
    partner depends on the set of samples in the batch, not on their order.

    Args:
        random: Random numbers of the N samples.
        alpha: Both parameters of the beta distribution of the weight, above 0; small values
            leave most faces nearly unchanged, 1 is uniform.
        probability: Probability of blending a face, 0..1.

    Raises:
        ValueError: alpha or probability out of range.
    """
    if not (alpha > 0 and 0 <= probability <= 1):
        raise ValueError(f"alpha {alpha} must be above 0, probability {probability} within 0..1")
    chosen = random.chance(Stream.MIXUP, probability)
    return Mixing(_partners(random), torch.where(chosen, _beta(alpha, random), 1.0))


def blend(images: Tensor, others: Tensor, weight: Tensor) -> Tensor:
    """``weight * images + (1 - weight) * others``; equal to ``images`` where the weight is 1.

    Args:
        images: float32 (N, 3, H, W); not changed.
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
    """Random numbers of the symmetric beta distribution, float32 (N,).

    Devroye, "Random variate generation in one line of code", WSC 1996: from Bailey's polar method
    for Student's t.
    """
    power = random.uniform(Stream.MIXUP_WEIGHT).double() ** (1 / alpha)
    cosine = torch.cos(2 * math.pi * random.uniform(Stream.MIXUP_ANGLE).double())
    far = (1 - power) * cosine.square()
    # Both are zero only where the first number is 0: the limit is at either end.
    ratio = far / (power + far).clamp_(min=1e-300)
    return (0.5 + 0.5 * torch.sign(cosine) * torch.sqrt(ratio)).float()
