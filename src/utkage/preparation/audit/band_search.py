"""Similar hashes by sorted bands: only hashes that agree in all bits of a band are compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache

import numpy as np
from numpy.typing import NDArray

from utkage.core.pools import thread_pool
from utkage.preparation.audit.band_plan import BandPlan
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
    words = np.ascontiguousarray(hashes).view(np.uint64)
    bands = list(_bands(plan, seed))
    waiting: deque[Future[NDArray[np.int64]]] = deque()
    with thread_pool(workers) as pool:
        for number, band in enumerate(bands):
            waiting.append(pool.submit(_search, words, planes, band, max_distance))
            if len(waiting) > workers:
                yield (number + 1 - len(waiting)) / len(bands), waiting.popleft().result()
        while waiting:
            pairs = waiting.popleft().result()
            yield 1 - len(waiting) / len(bands), pairs


def _bands(plan: BandPlan, seed: int) -> Iterator[NDArray[np.int64]]:
    """The bits of each band: random orders of all bits, cut into bands."""
    random = np.random.default_rng(seed)
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
    words: NDArray[np.uint64],
    planes: NDArray[np.uint8],
    band: NDArray[np.int64],
    max_distance: int,
) -> NDArray[np.int64]:
    """The pairs of one table: int64 (m, 3)."""
    keys = _keys(planes, band, len(words))
    keys.sort()
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    keys >>= np.uint64(32)
    found = [np.zeros((0, 3), dtype=np.int64)]
    # Places whose hash has the same key as the one ``step`` places further on.
    places = np.flatnonzero(keys[1:] == keys[:-1])
    for step in range(1, _MOST_PARTNERS + 1):
        if not len(places):
            break
        for start in range(0, len(places), _BLOCK):
            chosen = places[start : start + _BLOCK]
            found.append(_near(words, order[chosen], order[chosen + step], max_distance))
        places = places[places + step + 1 < len(keys)]
        places = places[keys[places] == keys[places + step + 1]]
    return np.concatenate(found)


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


def _near(
    words: NDArray[np.uint64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    max_distance: int,
) -> NDArray[np.int64]:
    """Those pairs that are at most ``max_distance`` apart, mirrored or not: int64 (m, 3)."""
    odd_mask = np.packbits(inverted_by_mirroring()).view(np.uint64)
    odd_bits = int(inverted_by_mirroring().sum())
    differing = words[first] ^ words[second]
    odd = _ones(differing & odd_mask).sum(axis=1, dtype=np.int64)
    even = _ones(differing & ~odd_mask).sum(axis=1, dtype=np.int64)
    bits = even + np.minimum(odd, odd_bits - odd)
    pairs = np.stack([np.minimum(first, second), np.maximum(first, second), bits], axis=1)
    near_pairs: NDArray[np.int64] = pairs[bits <= max_distance]
    return near_pairs


def _ones(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number of bits of each word that are 1."""
    if hasattr(np, "bitwise_count"):
        return np.bitwise_count(words).astype(np.int64)
    # NumPy before 2.0: by the table of all pairs of bytes.
    halves = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    counted: NDArray[np.int64] = _ones_of_halves()[halves].sum(axis=-1, dtype=np.int64)
    return counted


@cache
def _ones_of_halves() -> NDArray[np.uint8]:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    ones: NDArray[np.uint8] = np.unpackbits(every, axis=1).sum(axis=1).astype(np.uint8)
    return ones
