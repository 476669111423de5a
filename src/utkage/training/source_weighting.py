"""Weights of sources in the loss, so that a large source does not dominate a small one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from utkage.data.chips import LabelledChips
from utkage.training.config_groups import LossConfig

# The weight of a face falls with this power of the number of faces in its source: at 1/2 a source
# that is four times as large has twice the total weight, at 1 all sources have equal weight.
POWERS = {"sqrt": 0.5, "equal": 1.0}
SOURCE_WEIGHTINGS = ("none", *POWERS)


def weights_by_face(config: LossConfig, faces: LabelledChips) -> Tensor | None:
    """The weight of each face in the loss, float32 (n,), with mean 1; None: 1 for all.

    The expected gradient is that of a sampler that draws sources in proportion, and every face is
    still seen once per epoch.

    Args:
        config: Settings of the losses.
        faces: Training faces.
    """
    if config.source_weighting == "none":
        return None
    _, source, counts = np.unique(np.array(faces.sources), return_inverse=True, return_counts=True)
    raw = (1.0 / counts ** POWERS[config.source_weighting])[source]
    return torch.from_numpy(raw / raw.mean()).float()
