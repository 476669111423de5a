"""A 256-bit hash that survives recompression, and all pairs of hashes that lie close together.

The hash is the sign pattern of the lowest frequencies of the grey picture (the "pHash" of
Zauner, 2010, with 256 instead of 64 bits). Difference hashes were measured as well: faces that
are aligned alike share most brightness gradients, so that pairs of different people reach down to
the distances of true copies; frequencies keep the two apart (figures in ``docs/data.md``).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 256
HASH_BYTES = HASH_BITS // 8
# Frequencies are taken from the picture at this side, pixels.
_SIDE = 32
# Hashes are compared in squares of this side: 64 MB of scores at a time, however many there are.
_BLOCK = 4096


def perceptual_hash(rgb: NDArray[np.uint8]) -> bytes:
    """The signs of the 256 lowest frequencies of a picture, without its mean brightness.

    Invariant to brightness and contrast, nearly so to size, colour and compression. Mirroring
    turns the signs of the odd horizontal frequencies and of no others, so that ``distance`` can
    see mirrored copies as well.

    Args:
        rgb: uint8 (height, width, 3), any size from 1 x 1.

    Returns:
        32 bytes. A picture of one colour gives zeros.
    """
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    spectrum = cv2.dct(small.astype(np.float32)).reshape(-1)
    # Rounding leaves a one-coloured picture with frequencies of about 1e-6, whose signs say
    # nothing; any real detail is far above one thousandth of a grey level.
    return np.packbits(spectrum[_lowest_frequencies()] > 1e-3).tobytes()


def hash_array(hashes: list[bytes]) -> NDArray[np.uint8]:
    """Hashes as the rows of an array, (n, 32) uint8."""
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), HASH_BYTES)


def distance(first: bytes, second: bytes) -> int:
    """Number of differing bits, 0..256, with the second picture mirrored if that is nearer."""
    differing = int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    return min(differing.bit_count(), (differing ^ _mirror_mask()).bit_count())


def near_pairs(hashes: NDArray[np.uint8], max_distance: int) -> NDArray[np.int64]:
    """Every pair of hashes with a ``distance`` of at most ``max_distance`` bits.

    Exact for any distance. Bits are written as -1 and +1, so that matrix products give the
    distances of a whole block: at the distances that copies need (tens of bits), splitting the
    hash into bands and looking them up would take hundreds of look-ups a band and be slower.
    Time is quadratic (about 2 s for 20 thousand hashes, under a minute for 100 thousand on one
    core), memory is not.

    Args:
        hashes: uint8 (n, 32).
        max_distance: Bits, 0..256.

    Returns:
        int64 (m, 3) with rows (i, j, distance), i < j, sorted.
    """
    count = len(hashes)
    signs = np.unpackbits(hashes, axis=1).astype(np.float32) * 2 - 1
    turned = _turned_by_mirroring()
    odd, even = np.ascontiguousarray(signs[:, turned]), np.ascontiguousarray(signs[:, ~turned])
    found = [np.zeros((0, 3), dtype=np.int64)]
    for top in range(0, count, _BLOCK):
        for left in range(top, count, _BLOCK):
            rows_of, columns_of = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            # Bits that agree minus bits that differ. Mirroring turns the sign of the odd part,
            # so its absolute value stands for the nearer one. Sums of -1 and +1 are exact.
            agreement = odd[rows_of] @ odd[columns_of].T
            np.abs(agreement, out=agreement)
            agreement += even[rows_of] @ even[columns_of].T
            rows, columns = np.nonzero(agreement >= HASH_BITS - 2 * max_distance)
            bits = (HASH_BITS - agreement[rows, columns].astype(np.int64)) // 2
            pairs = np.stack([rows + top, columns + left, bits], axis=1)
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@cache
def _lowest_frequencies() -> NDArray[np.int64]:
    rows, columns = np.meshgrid(np.arange(_SIDE), np.arange(_SIDE), indexing="ij")
    order = np.lexsort((rows.reshape(-1), (rows + columns).reshape(-1)))
    # The first is the mean brightness.
    return order[1 : HASH_BITS + 1]


@cache
def _turned_by_mirroring() -> NDArray[np.bool_]:
    """Which bits change when the picture is mirrored: those of odd horizontal frequency."""
    turned: NDArray[np.bool_] = _lowest_frequencies() % _SIDE % 2 == 1
    return turned


@cache
def _mirror_mask() -> int:
    return int.from_bytes(np.packbits(_turned_by_mirroring()).tobytes(), "big")
