"""Augmentation of whole batches, on the training device, seeded for each sample.

``augment`` varies uint8 chips as an ``AugmentConfig`` says; ``mix`` blends the results pairwise
(``draw_mixing`` and ``blend`` where the pairs are not all at hand).
What happens to a chip is a pure function of seed, epoch and sample (``SampleRandom``). The
geometric variation covers what a detector's landmarks do to a crop, so that real photographs are
within what was learned from aligned chips.
"""

from utkage.data.augment.config import NO_AUGMENTATION, AugmentConfig
from utkage.data.augment.mixing import Mixed, Mixing, blend, draw_mixing, mix
from utkage.data.augment.pipeline import augment

__all__ = [
    "NO_AUGMENTATION",
    "AugmentConfig",
    "Mixed",
    "Mixing",
    "augment",
    "blend",
    "draw_mixing",
    "mix",
]
