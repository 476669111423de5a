"""Random numbers for each sample, computed for whole batches at a time.

A number is a pure function of (seed, epoch, sample, stream). It does not depend on the batch of the
sample, its position there, the number of workers, or numbers drawn before. The generator is
SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014)
with these four as counters, in int64 arithmetic, which wraps around on every device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from utkage.core.transfer import to_device

_BITS = 64
_GAMMA = 0x9E3779B97F4A7C15
_FIRST_FACTOR = 0xBF58476D1CE4E5B9
_SECOND_FACTOR = 0x94D049BB133111EB
# Number of bits that a float32 represents exactly.
_FRACTION = 24


class SampleRandom:
    """Random numbers for the samples of a batch.

    Args:
        seed: Seed of the run.
        epoch: Number of the epoch.
        samples: Indices of the samples in the data set, int64 (N,), on the device to compute on.

    Raises:
        ValueError: ``samples`` is not int64 (N,).
    """

    def __init__(self, seed: int, epoch: int, samples: Tensor) -> None:
        if samples.dtype != torch.int64 or samples.dim() != 1:
            raise ValueError(f"samples are {samples.dtype} {tuple(samples.shape)}, not int64 (N,)")
        start = _mix(torch.tensor(_signed(seed + _GAMMA)))
        run = _advance(torch.tensor(epoch), start)
        self._keys = _advance(samples, run)

    def __len__(self) -> int:
        return len(self._keys)

    def rows(self, chosen: Tensor) -> SampleRandom:
        """The same numbers for the rows ``chosen`` only, int64 (K,)."""
        part = object.__new__(SampleRandom)
        part._keys = self._keys[chosen]
        return part

    def bits(self, stream: int) -> Tensor:
        """64 random bits per sample, int64 (N,); streams, numbered from 0, are independent."""
        return _mix(self._keys + _signed((stream + 1) * _GAMMA))

    def bits_at(self, stream: int, rows: Tensor, positions: Tensor) -> Tensor:
        """64 random bits for positions inside of samples, such as pixels, int64 (K,).

        Args:
            stream: As in ``bits``.
            rows: Rows of the batch, int64 (K,), on any device, which the result uses too.
            positions: 0 or more, int64 (K,), on the same device.
        """
        return _advance(positions, to_device(self.bits(stream), rows.device)[rows])

    def uniform(self, stream: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform numbers, float32 (N,), ``low`` <= number < ``high`` up to rounding.

        For 0 to 1 these are multiples of 2^-24, identical on every device.
        """
        numbers = _fraction(self.bits(stream), 0)
        return numbers if (low, high) == (0.0, 1.0) else numbers * (high - low) + low

    def normal(self, stream: int) -> Tensor:
        """Standard normal numbers (Box and Muller 1958), -5.8..5.8, float32 (N,)."""
        bits = self.bits(stream)
        radius = torch.sqrt(-2 * torch.log1p(-_fraction(bits, 0)))
        return radius * torch.cos(2 * math.pi * _fraction(bits, _FRACTION))

    def chance(self, stream: int, probability: float) -> Tensor:
        """Whether an event of this probability occurs for each sample, bool (N,)."""
        return self.uniform(stream) < probability


def _fraction(bits: Tensor, skipped: int) -> Tensor:
    """The 24 bits after the ``skipped`` highest, as float32 in 0..1, 1 excluded."""
    return _shifted(bits << skipped, _BITS - _FRACTION).float() * 2.0**-_FRACTION


def _advance(counters: Tensor, start: Tensor) -> Tensor:
    """The numbers at positions ``counters`` of the sequence that starts at ``start``."""
    return _mix((counters + 1) * _signed(_GAMMA) + start)


def _mix(value: Tensor) -> Tensor:
    """Variant 13 of Stafford's mixers, a bijection of 64 bits."""
    value = (value ^ _shifted(value, 30)) * _signed(_FIRST_FACTOR)
    value = (value ^ _shifted(value, 27)) * _signed(_SECOND_FACTOR)
    return value ^ _shifted(value, 31)


def _shifted(value: Tensor, places: int) -> Tensor:
    # The shift of int64 repeats the sign bit.
    return (value >> places) & ((1 << (_BITS - places)) - 1)


def _signed(value: int) -> int:
    """The int64 with the bits of ``value``."""
    value %= 1 << _BITS
    return value - (1 << _BITS) if value >> (_BITS - 1) else value
