"""Heaping: an excess of round ages, the demographers' term, and single years that stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import AGE_COUNT, MAX_AGE, MIN_AGE

# Children's ages are known to the year; people round the ages of adults.
FIRST_ADULT_AGE = 20
# Without heaping, one year in five is a multiple of five.
EXPECTED_SHARE = 0.2
# A spike is a year with more than this many times the faces of its neighbours,
SPIKE_RATIO = 2.0
_REACH = 2
# two years on either side, and by more than this many standard deviations of a Poisson count.
_SPIKE_DEVIATIONS = 4.0
_LEAST_FACES = 20


@dataclass(frozen=True)
class Spike:
    """One ``age`` with far more faces than the mean of its ``neighbours``, two on either side."""

    age: int
    faces: int
    neighbours: float

    @property
    def ratio(self) -> float | None:
        """``faces`` divided by ``neighbours``; None if the neighbours have no faces."""
        return self.faces / self.neighbours if self.neighbours else None


@dataclass(frozen=True)
class Heaping:
    """The excess of round ages.

    Attributes:
        adults: Number of faces from 20 years.
        on_fives: Number of those whose age is a multiple of 5.
        spikes: Years that stand out, by age.
        counts: Number of faces of each year, 0..116.
    """

    adults: int
    on_fives: int
    spikes: tuple[Spike, ...]
    counts: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """Share of adult ages that are multiples of 5 (20 % without heaping); None: no adults."""
        return self.on_fives / self.adults if self.adults else None

    @property
    def index(self) -> float | None:
        """100 times the share over its expectation, like Whipple's index: 100 is no heaping.

        Whipple's index uses ages 23 to 62. This one uses all adults, because rounding is worst
        for the old. If all ages were multiples of five, it would be 500.
        """
        share = self.share
        return None if share is None else 100 * share / EXPECTED_SHARE

    def to_dict(self) -> dict[str, Any]:
        """Rounded JSON values, without the counts."""
        return {
            "adults": self.adults,
            "on_fives": self.on_fives,
            "share": None if self.share is None else round(self.share, 4),
            "index": None if self.index is None else round(self.index, 1),
            "spikes": [
                {
                    **asdict(spike),
                    "neighbours": round(spike.neighbours, 2),
                    "ratio": None if spike.ratio is None else round(spike.ratio, 2),
                }
                for spike in self.spikes
            ],
        }


def find_heaping(ages: Sequence[int]) -> Heaping:
    """Measure the heaping of whole ages, 0..116 years, in any order."""
    counts = np.bincount(np.asarray(ages, dtype=np.int64), minlength=AGE_COUNT)
    spikes = [_spike(counts, age) for age in range(MIN_AGE, MAX_AGE + 1)]
    return Heaping(
        adults=int(counts[FIRST_ADULT_AGE:].sum()),
        on_fives=int(counts[FIRST_ADULT_AGE::5].sum()),
        spikes=tuple(spike for spike in spikes if spike is not None),
        counts=tuple(int(count) for count in counts),
    )


def _spike(counts: NDArray[np.int64], age: int) -> Spike | None:
    first, last = max(MIN_AGE, age - _REACH), min(MAX_AGE, age + _REACH)
    around = [int(counts[other]) for other in range(first, last + 1) if other != age]
    faces = int(counts[age])
    mean = sum(around) / len(around)
    # The mean of the neighbours is uncertain too, hence the second term.
    deviation = math.sqrt(max(mean, 1.0) * (1 + 1 / len(around)))
    significant = faces >= _LEAST_FACES and faces - mean > _SPIKE_DEVIATIONS * deviation
    return Spike(age, faces, mean) if significant and faces > SPIKE_RATIO * mean else None
