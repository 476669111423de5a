"""The order of training chips, a pure function of seed and epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Number of full batches per epoch; the remaining chips are skipped in that epoch.

    A set smaller than one batch gives one smaller batch.
    """
    return max(1, count // batch_size)


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A permutation of ``range(count)`` that depends on the arguments only."""
    return np.random.default_rng([seed, epoch]).permutation(count)
