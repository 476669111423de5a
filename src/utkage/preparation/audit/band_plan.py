"""How many bits and tables a search by bands needs for a given recall, and what it costs.

A band is a set of bits that are drawn at random. Two hashes are compared if they agree in all bits
of some band. Whether a pair is found then depends on its distance only, because every set of
differing bits is as likely to miss a band as every other one: the probabilities here are exact, and
hold whatever the pictures show (bit sampling; Indyk and Motwani 1998, Gionis et al. 1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
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
# Before all bits of two hashes are compared, those of one sample are. The samples are drawn at
# random, share no bits, and take turns.
SAMPLE_BITS = 64
_SAMPLES = HASH_BITS // SAMPLE_BITS
# A pair at the largest distance seems too far apart in a sample with at most this probability.
_SAMPLE_MISS = 0.01
# Measured on one core, in nanoseconds: sorting a hash into a table, comparing a pair from a table,
# comparing a pair of all pairs.
_SORT_NS = 75.0
_COMPARE_NS = 75.0
_EXACT_NS = 20.0


@dataclass(frozen=True)
class BandPlan:
    """A search by bands.

    Attributes:
        width: Number of bits of a band.
        shuffles: Number of random orders of the bits; each is cut into bands that share no bits.
        most_in_sample: Most bits that may differ in a sample of two hashes that are compared.
        seconds: Estimated time on one core.
    """

    width: int
    shuffles: int
    most_in_sample: int = SAMPLE_BITS
    seconds: float = 0.0

    @property
    def tables(self) -> int:
        """Number of bands, and so of sorted tables."""
        return self.shuffles * (HASH_BITS // self.width)

    def recall(self, distance: int) -> float:
        """Probability, 0..1, that a pair of hashes at this distance is found."""
        unlikely = _above(self.most_in_sample, distance)
        # A pair may seem too far apart in some of the samples; the other ones find it.
        missed = sum(
            math.comb(_SAMPLES, seen)
            * (1 - unlikely) ** seen
            * unlikely ** (_SAMPLES - seen)
            * _miss(self.width, distance) ** (self.shuffles * seen / _SAMPLES)
            for seen in range(_SAMPLES + 1)
        )
        return float(1.0 - missed)


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
    most = next(
        bits for bits in range(SAMPLE_BITS + 1) if _above(bits, max_distance) <= _SAMPLE_MISS
    )
    bands = HASH_BITS // width
    shuffles = 1 if miss <= 0.0 else math.ceil(math.log(1 - recall) / math.log(miss))
    while shuffles * bands <= _MOST_TABLES:
        plan = BandPlan(width, shuffles, most)
        if plan.recall(max_distance) >= recall:
            break
        shuffles += 1
    else:
        return None
    agreeing = np.array([_agreement(width, bits) for bits in range(HASH_BITS + 1)])
    pairs = count * count / 2 * float(agreeing @ distances)
    seconds = plan.tables * (count * _SORT_NS + pairs * _COMPARE_NS) / 1e9
    return replace(plan, seconds=seconds)


@cache
def _above(most: int, distance: int) -> float:
    """Probability that more than ``most`` bits of a sample differ in a pair at this distance."""
    # Hypergeometric, because the bits are drawn at random.
    ways = sum(
        math.comb(distance, bits) * math.comb(HASH_BITS - distance, SAMPLE_BITS - bits)
        for bits in range(most + 1, min(SAMPLE_BITS, distance) + 1)
    )
    return ways / math.comb(HASH_BITS, SAMPLE_BITS)


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
