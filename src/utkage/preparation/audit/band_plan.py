"""How many bits and tables a search by bands needs for a given recall, and what it costs.

A band is a set of bits that are drawn at random. Two hashes are compared if they agree in all bits
of some band. Whether a pair is found then depends on its distance only, because every set of
differing bits is as likely to miss a band as every other one: the probabilities here are exact, and
hold whatever the pictures show (bit sampling; Indyk and Motwani 1998, Gionis et al. 1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from utkage.preparation.audit.perceptual import HASH_BITS

# Probability that a pair at the largest distance is found; nearer pairs are found more often.
RECALL = 0.997
# Narrower bands would save seconds on small sets, but put too many hashes together where many
# pictures look alike; wider ones do not fit beside the number of a hash in 64 bits.
_WIDTHS = range(24, 33)
# A search with more tables than this would be slower than comparing every pair of any real set.
_MOST_TABLES = 20_000
# Measured on one core, in nanoseconds: sorting a hash into a table, comparing a pair from a table,
# comparing a pair of all pairs.
_SORT_NS = 120.0
_COMPARE_NS = 150.0
_EXACT_NS = 20.0


@dataclass(frozen=True)
class BandPlan:
    """A search by bands.

    Attributes:
        width: Number of bits of a band.
        shuffles: Number of random orders of the bits; each is cut into bands that share no bits.
        seconds: Estimated time on one core.
    """

    width: int
    shuffles: int
    seconds: float

    @property
    def tables(self) -> int:
        """Number of bands, and so of sorted tables."""
        return self.shuffles * (HASH_BITS // self.width)

    def recall(self, distance: int) -> float:
        """Probability, 0..1, that a pair of hashes at this distance is found."""
        return 1.0 - _miss(self.width, distance) ** self.shuffles


def plan_bands(
    count: int, max_distance: int, distances: NDArray[np.float64], recall: float = RECALL
) -> BandPlan | None:
    """The fastest search by bands with this ``recall`` at ``max_distance``.

    Args:
        count: Number of hashes.
        max_distance: Largest distance of a pair that has to be found, bits.
        distances: Share of all pairs at each distance, (257,); a sample is enough.
        recall: Least probability that a pair at ``max_distance`` is found, 0..1.

    Returns:
        The plan; None if comparing every pair is faster.
    """
    plans = [
        plan
        for width in _WIDTHS
        if (plan := _plan(width, count, max_distance, distances, recall)) is not None
    ]
    best = min(plans, key=lambda plan: plan.seconds, default=None)
    if best is None or best.seconds >= exact_seconds(count):
        return None
    return best


def exact_seconds(count: int) -> float:
    """Estimated time of comparing every pair on one core."""
    return count * count / 2 * _EXACT_NS / 1e9


def _plan(
    width: int, count: int, max_distance: int, distances: NDArray[np.float64], recall: float
) -> BandPlan | None:
    miss = _miss(width, max_distance)
    if miss >= 1.0:
        return None
    shuffles = 1 if miss <= 0.0 else math.ceil(math.log(1 - recall) / math.log(miss))
    shuffles = max(shuffles, 1)
    tables = shuffles * (HASH_BITS // width)
    if tables > _MOST_TABLES:
        return None
    agreeing = np.array([_agreement(width, bits) for bits in range(HASH_BITS + 1)])
    pairs = count * count / 2 * float(agreeing @ distances)
    return BandPlan(width, shuffles, tables * (count * _SORT_NS + pairs * _COMPARE_NS) / 1e9)


@cache
def _agreement(width: int, distance: int) -> float:
    """Probability that two hashes at this distance agree in ``width`` bits drawn at random."""
    return math.comb(HASH_BITS - width, distance) / math.comb(HASH_BITS, distance)


@cache
def _miss(width: int, distance: int) -> float:
    """Probability that a pair at this distance agrees in no band of one shuffle."""
    bands = HASH_BITS // width
    # Inclusion and exclusion over the bands, in whole numbers, because the terms alternate.
    missed = sum(
        (-1) ** chosen * math.comb(bands, chosen) * math.comb(HASH_BITS - chosen * width, distance)
        for chosen in range(bands + 1)
    )
    return float(missed / math.comb(HASH_BITS, distance))
