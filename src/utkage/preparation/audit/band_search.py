"""Similar hashes by sorted bands: only hashes that agree in all bits of a band are compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from utkage.core.pools import thread_pool
from utkage.preparation.audit.band_plan import SAMPLE_BITS, BandPlan
from utkage.preparation.audit.perceptual import HASH_BITS, inverted_by_mirroring

# Hashes whose bits are gathered, or pairs that are compared, at a time: they fit into a cache.
_BLOCK = 1 << 15
# In a band that more hashes share, each is compared with so many of the others: the bits differ
# from band to band, so others come together there.
_MOST_PARTNERS = 256


def pairs_by_bands(
    hashes: NDArray[np.uint8],
    max_distance: int,
    plan: BandPlan,
    *,
    seed: int = 0,
    workers: int = 1,
) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Search table by table; yield the share that is done, 0..1, and the pairs of that table.

    Each pair is compared as a whole and is at most ``max_distance`` apart. A pair that several
    tables find is yielded several times. The order of the tables is always the same.

    Yields:
        The share, and int64 (m, 3) with rows (i, j, distance), i < j, for ``hashes`` uint8 (n, 32).
    """
    planes = _planes(hashes)
    random = np.random.default_rng(seed)
    order = random.permutation(HASH_BITS)
    compared = _Compared.of(hashes, order, max_distance, plan.most_in_sample)
    bands = list(_bands(plan, random))
    waiting: deque[Future[NDArray[np.int64]]] = deque()
    with thread_pool(workers) as pool:
        for number, band in enumerate(bands):
            waiting.append(pool.submit(_search, compared, planes, band, number))
            if len(waiting) > workers:
                yield (number + 1 - len(waiting)) / len(bands), waiting.popleft().result()
        while waiting:
            pairs = waiting.popleft().result()
            yield 1 - len(waiting) / len(bands), pairs


@dataclass(frozen=True)
class _Compared:
    """Hashes with their bits in a random order, to compare pairs of them.

    Attributes:
        words: uint64 (n, 4).
        samples: The same words, each with those of all hashes together: uint64 (4, n).
        odd: The bits of a hash that mirroring inverts, uint64 (4,).
        max_distance: Largest distance of a pair, bits.
        most_in_sample: As in ``BandPlan``.
    """

    words: NDArray[np.uint64]
    samples: NDArray[np.uint64]
    odd: NDArray[np.uint64]
    max_distance: int
    most_in_sample: int

    @classmethod
    def of(
        cls, hashes: NDArray[np.uint8], order: NDArray[np.int64], max_distance: int, most: int
    ) -> _Compared:
        """Bring the bits of ``hashes``, uint8 (n, 32), into this ``order``."""
        words = np.empty((len(hashes), HASH_BITS // SAMPLE_BITS), dtype=np.uint64)
        for start in range(0, len(hashes), _BLOCK):
            bits = np.unpackbits(hashes[start : start + _BLOCK], axis=1).take(order, axis=1)
            words[start : start + len(bits)] = np.packbits(bits, axis=1).view(np.uint64)
        odd = np.packbits(inverted_by_mirroring()[order]).view(np.uint64)
        return cls(words, np.ascontiguousarray(words.T), odd, max_distance, most)

    def near(
        self, first: NDArray[np.int64], second: NDArray[np.int64], sample: int
    ) -> NDArray[np.int64]:
        """Those pairs that are near, mirrored or not: int64 (m, 3).

        One of the four words tells most pairs apart that are too far from each other, and takes
        a small part of the time of all four.
        """
        seen, odd = self.samples[sample], self.odd[sample]
        differing = seen[first] ^ seen[second]
        bits = _nearer(_ones(differing & ~odd), _ones(differing & odd), odd)
        likely = bits <= self.most_in_sample
        first, second = first[likely], second[likely]
        differing = self.words[first] ^ self.words[second]
        bits = _nearer(
            _sums(_ones(differing & ~self.odd)), _sums(_ones(differing & self.odd)), self.odd
        )
        pairs = np.stack([np.minimum(first, second), np.maximum(first, second), bits], axis=1)
        near_pairs: NDArray[np.int64] = pairs[bits <= self.max_distance]
        return near_pairs


def _bands(plan: BandPlan, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The bits of each band: random orders of all bits, cut into bands."""
    for _ in range(plan.shuffles):
        order = random.permutation(HASH_BITS)
        for start in range(0, HASH_BITS - plan.width + 1, plan.width):
            yield order[start : start + plan.width]


def _planes(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bit k of all hashes together, packed by eight: uint8 (256, ceil(n / 8))."""
    packed = np.empty((HASH_BITS, -(-len(hashes) // 8)), dtype=np.uint8)
    for start in range(0, len(hashes), _BLOCK):
        bits = np.unpackbits(hashes[start : start + _BLOCK], axis=1)
        block = np.packbits(np.ascontiguousarray(bits.T), axis=1)
        packed[:, start // 8 : start // 8 + block.shape[1]] = block
    return packed


def _search(
    compared: _Compared, planes: NDArray[np.uint8], band: NDArray[np.int64], number: int
) -> NDArray[np.int64]:
    """The pairs of one table: int64 (m, 3)."""
    keys = _keys(planes, band, len(compared.words))
    keys.sort()
    # No sample is used by all tables, so no pair depends on one of them.
    sample = number % len(compared.samples)
    found = [np.zeros((0, 3), dtype=np.int64)]
    places, after = _shared(keys)
    for step in range(1, _MOST_PARTNERS + 1):
        if not len(places):
            break
        for start in range(0, len(places), _BLOCK):
            chosen = places[start : start + _BLOCK]
            pair = (_numbers(keys[chosen]), _numbers(keys[chosen + step]))
            found.append(compared.near(*pair, sample))
        more = after > step
        places, after = places[more], after[more]
    return np.concatenate(found)


def _shared(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of sorted keys whose band the next one shares, and how many after each do."""
    is_last = np.ones(len(keys), dtype=bool)
    np.greater_equal(keys[1:] ^ keys[:-1], np.uint64(1 << 32), out=is_last[:-1])
    ends = np.flatnonzero(is_last)
    others = np.diff(ends, prepend=-1) - 1
    ends, others = ends[others > 0], others[others > 0]
    after = np.repeat(np.cumsum(others), others) - np.arange(others.sum())
    return np.repeat(ends, others) - after, after


def _numbers(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The numbers of the hashes that have these keys."""
    numbers: NDArray[np.int64] = (keys & np.uint64(0xFFFFFFFF)).view(np.int64)
    return numbers


def _keys(planes: NDArray[np.uint8], band: NDArray[np.int64], count: int) -> NDArray[np.uint64]:
    """The bits of a band in the upper half, the number of the hash in the lower half: (n,)."""
    inverted = inverted_by_mirroring()[band]
    # Mirroring inverts all of these bits together, so only whether they differ from the first
    # one is used: a picture and its mirror image have the same key.
    reference = planes[band[inverted][0]] if inverted.any() else None
    keys = np.empty(count, dtype=np.uint64)
    for start in range(0, count, _BLOCK):
        part = slice(start // 8, (start + _BLOCK) // 8)
        key = np.zeros(min(_BLOCK, count - start), dtype=np.uint32)
        for bit, is_inverted in zip(band, inverted, strict=True):
            plane = planes[bit, part]
            if is_inverted and reference is not None:
                plane = plane ^ reference[part]
            key <<= np.uint32(1)
            key |= np.unpackbits(plane, count=len(key))
        keys[start : start + len(key)] = key
    keys <<= np.uint64(32)
    keys |= np.arange(count, dtype=np.uint64)
    return keys


def _nearer(
    even: NDArray[np.uint8], odd: NDArray[np.uint8], mask: NDArray[np.uint64] | np.uint64
) -> NDArray[np.uint8]:
    """Differing bits of pairs, mirrored or not, from those that mirroring keeps and inverts."""
    bits: NDArray[np.uint8] = even + np.minimum(odd, np.uint8(_ones(mask).sum()) - odd)
    return bits


def _sums(ones: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sum of each row, (n,); at most 255. Much faster than ``sum`` for four columns."""
    return ones[:, 0] + ones[:, 1] + ones[:, 2] + ones[:, 3]


def _ones(words: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint8]:
    """Number of bits of each word that are 1."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words)
    # NumPy before 2.0: by the table of all pairs of bytes.
    halves = np.ascontiguousarray(words).view(np.uint16).reshape(*np.shape(words), 4)
    counted: NDArray[np.uint8] = _ones_of_halves()[halves].sum(axis=-1, dtype=np.uint8)
    return counted


@cache
def _ones_of_halves() -> NDArray[np.uint8]:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    ones: NDArray[np.uint8] = np.unpackbits(every, axis=1).sum(axis=1).astype(np.uint8)
    return ones
