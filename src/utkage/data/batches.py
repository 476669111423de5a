"""The order of training chips: a pure function of seed, epoch and step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Full batches in one pass; the few chips left over wait for another epoch's order.

    A set smaller than one batch gives one smaller batch.
    """
    return max(1, count // batch_size)


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A permutation of ``range(count)`` that depends on nothing but the arguments."""
    return np.random.default_rng([seed, epoch]).permutation(count)
