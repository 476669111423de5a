"""Comparing every pair of perceptual hashes, by products of matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from utkage.preparation.audit.perceptual import HASH_BITS, inverted_by_mirroring

# Hashes are compared in blocks of this many rows and columns, which need 64 MB.
_BLOCK = 4096


def all_near_pairs(
    hashes: NDArray[np.uint8], max_distance: int
) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Compare every pair; yield the share of the work that is done, 0..1, and the pairs found.

    Bits become -1 and +1, so a matrix product gives the distances of a whole block. Time is
    quadratic (on one core some 5 s for 20 thousand hashes); memory is linear.

    Args:
        hashes: uint8 (n, 32).
        max_distance: Largest distance of a pair, bits.

    Yields:
        The share, and int64 (m, 3) with rows (i, j, distance), i < j.
    """
    count, done = len(hashes), 0
    blocks = -(-count // _BLOCK)
    total = blocks * (blocks + 1) // 2
    odd, even = _signs(hashes)
    for top in range(0, count, _BLOCK):
        for left in range(top, count, _BLOCK):
            rows_of, columns_of = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            agreement = _agreement(odd, even, rows_of, columns_of)
            rows, columns = np.nonzero(agreement >= HASH_BITS - 2 * max_distance)
            bits = (HASH_BITS - agreement[rows, columns].astype(np.int64)) // 2
            pairs = np.stack([rows + top, columns + left, bits], axis=1)
            done += 1
            yield done / total, pairs[pairs[:, 0] < pairs[:, 1]]


def distance_shares(hashes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share of all pairs of ``hashes``, uint8 (n, 32), at each distance: (257,)."""
    odd, even = _signs(hashes)
    everything = slice(None)
    agreement = _agreement(odd, even, everything, everything)
    bits = (HASH_BITS - agreement[np.triu_indices(len(hashes), 1)].astype(np.int64)) // 2
    return np.bincount(bits, minlength=HASH_BITS + 1) / max(len(bits), 1)


def _signs(hashes: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """-1 and +1 for the bits that mirroring inverts, and for the others."""
    signs = np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
    inverted = inverted_by_mirroring()
    return np.ascontiguousarray(signs[:, inverted]), np.ascontiguousarray(signs[:, ~inverted])


def _agreement(
    odd: NDArray[np.float32], even: NDArray[np.float32], rows: slice, columns: slice
) -> NDArray[np.float32]:
    """Bits that agree minus bits that differ, in the nearer view of each pair."""
    # Mirroring inverts the sign of the odd part, so its absolute value is that of the nearer view.
    # Sums of -1 and +1 are exact.
    agreement: NDArray[np.float32] = odd[rows] @ odd[columns].T
    np.abs(agreement, out=agreement)
    agreement += even[rows] @ even[columns].T
    return agreement
