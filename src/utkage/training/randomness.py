"""Random numbers of layers, as a function of seed and step."""

from __future__ import annotations

import numpy as np
import torch


def seed_layers(seed: int, step: int) -> None:
    """Seed torch's global generator, from which dropout and stochastic depth draw.

    Done before every step, so that a run that goes on draws what an undisturbed one does. Mixed
    into 32 bits, because torch's CPU generator takes no more of a seed.
    """
    (mixed,) = np.random.SeedSequence([seed, step]).generate_state(1)
    torch.manual_seed(int(mixed))
