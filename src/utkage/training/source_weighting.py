"""How much the faces of each source weigh in the loss, so that a large one drowns no small one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from utkage.data.chips import LabelledChips
from utkage.training.config_groups import LossConfig

# The weight of a source falls with this power of its number of faces: at 1/2 a source that is
# four times as large counts twice as much, at 1 all would count the same.
POWERS = {"sqrt": 0.5, "equal": 1.0}
SOURCE_WEIGHTINGS = ("none", *POWERS)


def weights_by_face(config: LossConfig, faces: LabelledChips) -> Tensor | None:
    """The weight of each face in the loss, float32 (n,), with mean 1; None: all weigh the same.

    The gradient is in expectation that of a sampler that draws sources accordingly, and each
    picture is still seen once an epoch.

    Args:
        config: The recipe.
        faces: The training split.
    """
    if config.source_weighting == "none":
        return None
    _, source, counts = np.unique(np.array(faces.sources), return_inverse=True, return_counts=True)
    raw = (1.0 / counts ** POWERS[config.source_weighting])[source]
    return torch.from_numpy(raw / raw.mean()).float()
