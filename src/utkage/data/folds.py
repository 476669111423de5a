"""Folds of faces for cross-fitting: a function of a seed and of each face's content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fold_numbers(groups: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """The fold of each face.

    A fold is drawn by a hash of its group, as splits are (``data.split``): copies of a picture
    fall into the same one, whatever else is in the set and in whatever order.

    Args:
        groups: Of n faces; faces of one group are copies of each other.
        count: Number of folds, at least 2.
        seed: Another seed gives other folds.

    Returns:
        int64 (n,), from 0 to ``count`` - 1.

    Raises:
        ValueError: fewer than two folds.
    """
    if count < 2:
        raise ValueError(f"{count} folds; there must be two at least")
    return np.array([_fold(group, count, seed) for group in groups], dtype=np.int64)


def _fold(group: str, count: int, seed: int) -> int:
    digest = hashlib.sha256(f"fold:{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * count >> 64
