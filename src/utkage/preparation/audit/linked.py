"""Components of pictures that near-duplicate pairs link, and a guard against giant ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.preparation.audit.near_pairs import EXACT_UP_TO

# A component of more than this share of all pictures, and of more than so many, is suspicious.
LARGEST_SHARE = 0.005
LARGEST_LEAST = 1000
# Links of such a component are kept up to these distances, until it falls apart. None of the
# judged pairs up to 36 bits was wrong, and wrong pairs get three times rarer every four bits.
_TIGHTER = (40, 36, 32, 28)


def components(count: int, links: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the component of each of ``count`` nodes, (n,), for ``links`` (m, 2)."""
    if not len(links):
        return np.arange(count)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    weights = np.ones(len(links), dtype=np.int8)
    matrix = coo_array((weights, (links[:, 0], links[:, 1])), shape=(count, count))
    _, labels = connected_components(matrix, directed=False)
    numbers: NDArray[np.int64] = labels.astype(np.int64)
    return numbers


def without_giant_components(count: int, pairs: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Remove the longest links of components that are too large to be copies of one photograph.

    Wrong pairs grow with the square of the number of pictures, and a few of them join many groups
    to one, though hardly in sets of up to ``EXACT_UP_TO`` pictures. Such a component would move
    most of its pictures to the training split. Its longest links are removed step by step, down to
    28 bits: what is still large then is a crowd of truly similar pictures, such as the frames of a
    video, and stays together.

    Args:
        count: Number of pictures.
        pairs: Rows (i, j, distance), (m, 3).

    Returns:
        The pairs that are kept, and the number of pictures in the components that were too large.
    """
    if count <= EXACT_UP_TO:
        return pairs, 0
    most = max(LARGEST_LEAST, int(LARGEST_SHARE * count))
    affected = np.zeros(count, dtype=bool)
    for distance in _TIGHTER:
        labels = components(count, pairs[:, :2])
        is_giant = (np.bincount(labels, minlength=1) > most)[labels]
        too_far = is_giant[pairs[:, 0]] & (pairs[:, 2] > distance)
        if not too_far.any():
            continue
        affected |= is_giant
        pairs = pairs[~too_far]
    return pairs, int(affected.sum())
