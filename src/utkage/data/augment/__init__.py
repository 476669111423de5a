"""Augmentation of whole batches, on the training device, seeded for each sample.

``augment`` augments uint8 chips by an ``AugmentConfig``; ``draw_mixing`` and ``blend`` blend the
results pairwise (mixup). The augmentation of a chip is a pure function of seed, epoch and sample
(``SampleRandom``). The geometric augmentation imitates the crops of detected faces, which differ
from aligned chips, so that the training chips resemble those of photographs.
"""

from utkage.data.augment.config import NO_AUGMENTATION, AugmentConfig
from utkage.data.augment.geometry import Framing
from utkage.data.augment.mixing import Mixing, blend, draw_mixing
from utkage.data.augment.pipeline import augment

__all__ = [
    "NO_AUGMENTATION",
    "AugmentConfig",
    "Framing",
    "Mixing",
    "augment",
    "blend",
    "draw_mixing",
]
