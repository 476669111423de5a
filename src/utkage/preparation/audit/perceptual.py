"""A 256-bit perceptual hash that survives recompression.

The hash contains the signs of the lowest frequencies of the grey picture ("pHash", Zauner 2010,
with 256 instead of 64 bits). A difference hash was measured as well: aligned faces share most of
their brightness gradients, so pairs of different people are as close as true duplicates. The
frequencies separate the two (measurements in ``docs/data.md``).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

HASH_BITS = 256
HASH_BYTES = HASH_BITS // 8
# Size of the picture that the frequencies are computed from, pixels.
_SIZE = 32


def perceptual_hash(rgb: NDArray[np.uint8]) -> bytes:
    """The signs of the 256 lowest frequencies of a picture, without its mean brightness.

    The hash is invariant to brightness and contrast, and nearly so to size, colour and
    compression. Mirroring inverts the signs of the odd horizontal frequencies only, so
    ``distance`` can detect mirrored duplicates as well.

    Returns:
        32 bytes for ``rgb``, uint8 (height, width, 3); all zeros for a picture of one colour.
    """
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    spectrum = cv2.dct(small.astype(np.float32)).reshape(-1)
    # Rounding errors give a one-coloured picture frequencies of about 1e-6 with random signs.
    # Real detail is far above a thousandth of a grey level.
    return np.packbits(spectrum[_lowest_frequencies()] > 1e-3).tobytes()


def hash_array(hashes: list[bytes]) -> NDArray[np.uint8]:
    """Stack n hashes into an array, uint8 (n, 32)."""
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), HASH_BYTES)


def distance(first: bytes, second: bytes) -> int:
    """Number of differing bits, 0..256; the smaller one of the picture and its mirror image."""
    differing = int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    return min(differing.bit_count(), (differing ^ _mirror_mask()).bit_count())


@cache
def _lowest_frequencies() -> NDArray[np.int64]:
    """Positions of the 256 lowest frequencies in the flattened spectrum, (256,)."""
    rows, columns = np.meshgrid(np.arange(_SIZE), np.arange(_SIZE), indexing="ij")
    order = np.lexsort((rows.reshape(-1), (rows + columns).reshape(-1)))
    # The first one is the mean brightness.
    return order[1 : HASH_BITS + 1]


@cache
def inverted_by_mirroring() -> NDArray[np.bool_]:
    """Mask of the bits that mirroring inverts, those of odd horizontal frequency, (256,)."""
    inverted: NDArray[np.bool_] = _lowest_frequencies() % _SIZE % 2 == 1
    return inverted


@cache
def _mirror_mask() -> int:
    return int.from_bytes(np.packbits(inverted_by_mirroring()).tobytes(), "big")
