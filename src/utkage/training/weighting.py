"""Weights of faces in the loss, so that rare ages and small sources count more."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from utkage.data.chips import LabelledChips
from utkage.training.age_ranges import range_distribution
from utkage.training.config_groups import LossConfig

# Years. Neighbouring years look alike, and people round their ages.
SMOOTHING = 2.0
# The weight of a face falls with this power of the number of faces in its source: at 1/2 a source
# that is four times as large has twice the total weight, at 1 all sources have equal weight.
POWERS = {"sqrt": 0.5, "equal": 1.0}


def weights_by_age(config: LossConfig, allowed_ages: NDArray[np.int64]) -> Tensor | None:
    """The weight of each age, float32 (117,); None: 1 for all.

    ``allowed_ages`` holds the first and last year that the label of each training face allows,
    both -1 if unknown, (n, 2). A face whose age is a range counts in parts.
    """
    ranges = allowed_ages[allowed_ages[:, 0] >= 0]
    if config.age_weighting == "none" or not len(ranges):
        return None
    counts = range_distribution(torch.from_numpy(ranges)).sum(0).double().numpy()
    return torch.from_numpy(rare_age_weights(counts, config.age_weight_clip)).float()


def rare_age_weights(
    counts: NDArray[np.float64], clip: float, smoothing: float = SMOOTHING
) -> NDArray[np.float64]:
    """Inverse square roots of smoothed frequencies (Yang et al. 2021, arXiv:2102.09554).

    A Gaussian over years smooths the frequencies ("label distribution smoothing"). The weights are
    clipped, and scaled so that their mean over all faces is 1 after clipping.

    Args:
        counts: (Y,), number of faces of each age; at least one in all.
        clip: Largest weight, above 1.
        smoothing: Standard deviation of the Gaussian, years, above 0.

    Returns:
        float64 (Y,), above 0.

    Raises:
        ValueError: no faces, or a clip that is not above 1.
    """
    if counts.sum() < 1 or not clip > 1:
        raise ValueError(f"{counts.sum()} faces (at least 1), clip {clip} (must be above 1)")
    share = counts / counts.sum()
    years = np.arange(len(counts))
    kernel = np.exp(-0.5 * ((years[:, None] - years) / smoothing) ** 2)
    # At the ends the Gaussian covers fewer years.
    frequency = kernel @ share / kernel.sum(1)
    raw: NDArray[np.float64] = 1 / np.sqrt(np.maximum(frequency, np.finfo(np.float64).tiny))
    clipped = np.zeros(len(counts), dtype=bool)
    while True:
        scale = (1 - clip * share[clipped].sum()) / (share * raw)[~clipped].sum()
        above = raw * scale > clip
        if not (above & ~clipped).any():
            weights: NDArray[np.float64] = np.minimum(raw * scale, clip)
            return weights
        # Clipping raises the scale of the others, which may lift more of them above the clip.
        clipped |= above


def weights_by_face(config: LossConfig, faces: LabelledChips) -> Tensor | None:
    """The weight of each face in the loss, float32 (n,), with mean 1; None: 1 for all.

    The expected gradient is that of a sampler that draws sources in proportion, and every face is
    still seen once per epoch.
    """
    if config.source_weighting == "none":
        return None
    _, source, counts = np.unique(np.array(faces.sources), return_inverse=True, return_counts=True)
    raw = (1.0 / counts ** POWERS[config.source_weighting])[source]
    return torch.from_numpy(raw / raw.mean()).float()
