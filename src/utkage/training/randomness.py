"""Random numbers of layers, as a function of seed and step."""

from __future__ import annotations

import numpy as np
import torch


def mixed_seed(*numbers: int) -> int:
    """A seed made of several numbers; of 32 bits, because torch's CPU generator uses no more."""
    (mixed,) = np.random.SeedSequence(numbers).generate_state(1)
    return int(mixed)


def seed_layers(seed: int, step: int) -> None:
    """Seed torch's global generator, from which dropout and stochastic depth draw.

    Called before every step, so that a resumed run draws the same numbers as an uninterrupted one.
    """
    torch.manual_seed(mixed_seed(seed, step))
