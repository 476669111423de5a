"""Made perceptual hashes whose distances resemble those of real faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from utkage.preparation.audit.perceptual import HASH_BITS, inverted_by_mirroring

# Looks that made faces share to a degree drawn for each face: so some unrelated faces are as close
# as in UTKFace, where their number trebles with every four bits.
_LOOKS = 350
_LIKENESS = (14.0, 10.0)
# Share of faces that are copies of another, as in UTKFace, and the largest change of a copy.
_COPIES = 0.03
_CHANGE = 0.62
_BLOCK = 1 << 15


class HashModel:
    """Correlated normal numbers whose signs are the bits of a hash.

    Args:
        hashes: Real hashes, uint8 (n, 32), which decide how often each bit is 1 and how the bits
            depend on each other.
    """

    def __init__(self, hashes: NDArray[np.uint8]) -> None:
        from scipy.stats import norm

        bits = np.unpackbits(hashes, axis=1)
        share = bits.mean(axis=0).clip(0.001, 0.999)
        self._thresholds = (-norm.ppf(share)).astype(np.float32)
        # From the correlation of two signs to that of the numbers behind them.
        related = np.sin(np.pi / 2 * np.corrcoef(bits.T.astype(np.float64)))
        values, vectors = np.linalg.eigh(related)
        factor = vectors * np.sqrt(values.clip(1e-4))
        factor /= np.linalg.norm(factor, axis=1, keepdims=True)
        self._factor = factor.T.astype(np.float32)

    def hashes(self, count: int, seed: int) -> NDArray[np.uint8]:
        """``count`` hashes, uint8 (n, 32): faces, and copies of some of them, half mirrored."""
        random = np.random.default_rng(seed)
        looks = random.standard_normal((_LOOKS, HASH_BITS), dtype=np.float32)
        made = np.empty((count, HASH_BITS // 8), dtype=np.uint8)
        for start in range(0, count, _BLOCK):
            size = min(_BLOCK, count - start)
            likeness = random.beta(*_LIKENESS, size=(size, 1)).astype(np.float32)
            own = random.standard_normal((size, HASH_BITS), dtype=np.float32)
            shared = looks[random.integers(0, _LOOKS, size)]
            faces = likeness * shared + np.sqrt(1 - likeness**2) * own
            copies = np.flatnonzero(random.random(size) < _COPIES)
            # Squared, so that most copies are very near, as in UTKFace.
            change = _CHANGE * random.random((len(copies), 1), dtype=np.float32) ** 2
            noise = random.standard_normal((len(copies), HASH_BITS), dtype=np.float32)
            originals = faces[random.integers(0, size, len(copies))]
            faces[copies] = np.sqrt(1 - change**2) * originals + change * noise
            bits = faces @ self._factor > self._thresholds
            mirrored = copies[random.random(len(copies)) < 0.5]
            bits[mirrored] ^= inverted_by_mirroring()
            made[start : start + size] = np.packbits(bits, axis=1)
        return made[random.permutation(count)]
