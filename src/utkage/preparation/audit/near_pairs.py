"""All pairs of similar perceptual hashes: by comparing every pair, or by sorted bands of bits.

Small sets compare every pair. In larger ones, only hashes that agree in all bits of some band are
compared (``band_plan``), so that time grows far slower than with the square of the number of
hashes. Both compare whole hashes in the end: no pair is reported that is further apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.core.reporter import Progress, SilentProgress
from utkage.preparation.audit.band_plan import plan_bands
from utkage.preparation.audit.band_search import pairs_by_bands
from utkage.preparation.audit.exact_search import all_near_pairs, distance_shares

# Every pair of smaller sets is compared, within some 5 s: their result is exact.
EXACT_UP_TO = 20_000
# Hashes whose distances tell how many hashes will share a band.
_SAMPLE = 2048
# Pairs that are kept: more would need over 1 GB, and mean that most pictures look alike.
MOST_PAIRS = 30_000_000
# Unit of the progress of a search.
STEPS = 1000


class TooManyPairsError(Exception):
    """There are more pairs than ``MOST_PAIRS``, as among the frames of one video."""


def near_pairs(
    hashes: NDArray[np.uint8],
    max_distance: int,
    *,
    seed: int = 0,
    workers: int = 1,
    task: Progress | None = None,
) -> NDArray[np.int64]:
    """Find the pairs of hashes with a ``distance`` of at most ``max_distance`` bits.

    Up to ``EXACT_UP_TO`` hashes, or where that is faster, the search finds every pair. Otherwise it
    finds a pair at ``max_distance`` with a probability of at least ``band_plan.RECALL``, and nearer
    ones more often, whatever bits differ. The result depends on the hashes and ``seed`` only.

    Args:
        hashes: uint8 (n, 32).
        max_distance: 0..256 bits.
        seed: Decides the bands.
        workers: Number of threads.
        task: Receives ``STEPS`` steps in all.

    Returns:
        int64 (m, 3) with rows (i, j, distance), i < j, sorted.

    Raises:
        TooManyPairsError: there are more than ``MOST_PAIRS``.
    """
    task = task or SilentProgress()
    plan = None
    if len(hashes) > EXACT_UP_TO:
        sample = np.random.default_rng(seed).choice(len(hashes), _SAMPLE, replace=False)
        plan = plan_bands(len(hashes), max_distance, distance_shares(hashes[sample]))
    done = 0
    found: list[NDArray[np.int64]] = []
    count = 0
    blocks = (
        all_near_pairs(hashes, max_distance)
        if plan is None
        else pairs_by_bands(hashes, max_distance, plan, seed=seed, workers=workers)
    )
    for share, pairs in blocks:
        found.append(pairs)
        count += len(pairs)
        if count > MOST_PAIRS:
            # The bands find most pairs many times.
            found = [merged_pairs(found)]
            count = len(found[0])
            if count > MOST_PAIRS // 2:
                raise TooManyPairsError(f"more than {MOST_PAIRS // 2} pairs are alike")
        steps = int(share * STEPS) - done
        task.advance(steps)
        done += steps
    return merged_pairs(found)


def merged_pairs(found: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The distinct rows (i, j, distance) in order."""
    pairs = np.concatenate([np.zeros((0, 3), dtype=np.int64), *found])
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    if len(pairs):
        pairs = pairs[np.r_[True, np.any(pairs[1:, :2] != pairs[:-1, :2], axis=1)]]
    return pairs
