"""One process's share of a batch whose faces are blended across all shares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from utkage.data.augment import Mixing, blend
from utkage.training.learner import TrainingBatch
from utkage.training.targets import Blend

Rows = NDArray[np.int64]


def mixed_share(
    mixing: Mixing, mine: Rows, varied: Callable[[Rows], TrainingBatch]
) -> TrainingBatch:
    """Blend the faces of a share with their partners, wherever these are.

    Partners out of other shares are made here as well, so that what a face is blended with does
    not depend on the number of processes.

    Args:
        mixing: Of the batch of all processes.
        mine: int64 (n,), the rows of the batch that are this share.
        varied: Makes the faces of some rows of the batch.
    """
    weight = mixing.weight[mine]
    partner = np.where(weight < 1, mixing.partner[mine], mine)
    rows = np.concatenate([mine, np.setdiff1d(partner, mine)])
    place = np.empty(len(mixing.partner), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    faces = varied(rows)
    own = faces.part(slice(len(mine)))
    device = faces.images.device
    others = faces.part(torch.from_numpy(place[partner]).to(device))
    weight = weight.to(device)
    images = blend(own.images, others.images, weight)
    return TrainingBatch(images, own.targets, Blend(others.targets, weight))
