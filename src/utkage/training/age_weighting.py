"""How much each age weighs in the loss, so that the rare ones are not drowned."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.data.labels import AGE_COUNT
from utkage.training.config_groups import LossConfig

AGE_WEIGHTINGS = ("none", "sqrt")
# Neighbouring years look alike, and people round their ages.
SMOOTHING = 2.0


def weights_by_age(config: LossConfig, ages: NDArray[np.int64]) -> Tensor | None:
    """The weights that a recipe asks for, float32 (117,); None: all weigh the same.

    Args:
        config: The recipe.
        ages: Of all training faces, years.
    """
    if config.age_weighting == "none":
        return None
    counts = np.bincount(ages, minlength=AGE_COUNT)
    return torch.from_numpy(rare_age_weights(counts, config.age_weight_clip)).float()


def rare_age_weights(
    counts: NDArray[np.int64], clip: float, smoothing: float = SMOOTHING
) -> NDArray[np.float64]:
    """Inverse square roots of smoothed frequencies (Yang et al. 2021, arXiv:2102.09554).

    Frequencies are smoothed by a Gaussian over years ("label distribution smoothing"). Weights are
    scaled so that their mean over all faces is 1 after those above ``clip`` were cut to it.

    Args:
        counts: int64 (Y,), faces of each age; at least one in all.
        clip: The largest weight, above 1.
        smoothing: Standard deviation of the Gaussian, years, above 0.

    Returns:
        float64 (Y,), above 0.

    Raises:
        ValueError: no faces, or a clip that is not above 1.
    """
    if counts.sum() < 1 or not clip > 1:
        raise ValueError(f"{counts.sum()} faces, clip {clip}: wanted at least one, and above 1")
    share = counts / counts.sum()
    years = np.arange(len(counts))
    kernel = np.exp(-0.5 * ((years[:, None] - years) / smoothing) ** 2)
    # At the ends the Gaussian covers fewer years.
    frequency = kernel @ share / kernel.sum(1)
    raw: NDArray[np.float64] = 1 / np.sqrt(np.maximum(frequency, np.finfo(np.float64).tiny))
    cut = np.zeros(len(counts), dtype=bool)
    while True:
        scale = (1 - clip * share[cut].sum()) / (share * raw)[~cut].sum()
        above = raw * scale > clip
        if not (above & ~cut).any():
            weights: NDArray[np.float64] = np.minimum(raw * scale, clip)
            return weights
        # What is cut off goes to the others, which may lift more of them above.
        cut |= above
