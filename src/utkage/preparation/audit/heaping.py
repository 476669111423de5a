"""Ages that somebody rounded: an excess of multiples of five, and single years that stand out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from utkage.data.labels import AGE_COUNT, MAX_AGE, MIN_AGE

# Children's ages are known to the year; rounding begins with adults.
FIRST_ADULT_AGE = 20
# One whole year in five is a multiple of five.
EXPECTED_SHARE = 0.2
# A spike is a year with more than twice the faces of its neighbours, the two on each side, ...
SPIKE_RATIO = 2.0
_REACH = 2
# ... in numbers that chance does not explain: this many standard deviations of a Poisson count.
_SPIKE_DEVIATIONS = 4.0
_LEAST_FACES = 20


@dataclass(frozen=True)
class Spike:
    """One year that stands out.

    Attributes:
        age: Whole years.
        faces: Faces of that age.
        neighbours: Mean number of faces of the two years on each side.
    """

    age: int
    faces: int
    neighbours: float

    @property
    def ratio(self) -> float | None:
        """Faces over those of its neighbours; None where the neighbours have none."""
        return self.faces / self.neighbours if self.neighbours else None


@dataclass(frozen=True)
class Heaping:
    """How ages heap.

    Attributes:
        adults: Faces of 20 years and more.
        on_fives: Those of them whose age is a multiple of 5.
        spikes: Years that stand out, by age.
        counts: Faces of each year, 0..116.
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
        """The share over its expectation, times 100, as in Whipple's index: 100 is no heaping.

        Whipple's own index is limited to 23..62 years; this one takes all adults, because the
        old are where rounding is worst. 500 would be multiples of five only.
        """
        share = self.share
        return None if share is None else 100 * share / EXPECTED_SHARE


def find_heaping(ages: Sequence[int]) -> Heaping:
    """Measure heaping in whole ages, 0..116 years, in any order."""
    counts = np.bincount(np.asarray(ages, dtype=np.int64), minlength=AGE_COUNT)
    adult = counts[FIRST_ADULT_AGE:]
    fives = counts[FIRST_ADULT_AGE::5]
    spikes = [_spike(counts, age) for age in range(MIN_AGE, MAX_AGE + 1)]
    return Heaping(
        adults=int(adult.sum()),
        on_fives=int(fives.sum()),
        spikes=tuple(spike for spike in spikes if spike is not None),
        counts=tuple(int(count) for count in counts),
    )


def _spike(counts: NDArray[np.int64], age: int) -> Spike | None:
    around = [
        int(counts[other])
        for other in range(max(MIN_AGE, age - _REACH), min(MAX_AGE, age + _REACH) + 1)
        if other != age
    ]
    faces = int(counts[age])
    mean = sum(around) / len(around)
    # The mean of the neighbours is uncertain as well, hence the second term.
    deviation = math.sqrt(max(mean, 1.0) * (1 + 1 / len(around)))
    clear = faces >= _LEAST_FACES and faces - mean > _SPIKE_DEVIATIONS * deviation
    return Spike(age, faces, mean) if clear and faces > SPIKE_RATIO * mean else None
