"""``Calibration``: what validation faces taught about how far answers can be believed.

It travels in the card. ``ChipGraph`` and ``SeedGraph`` apply the two temperatures, so exported
files do as well; ``Predictions`` applies the levels to age intervals and to P(age >= T). Pure
numpy: importing it loads no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError

Floats = NDArray[np.float64]

# Promised levels at which the map is measured; between them, and to 0 and 1, it is linear.
LEVELS = (
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
    *(0.92, 0.94, 0.95, 0.96, 0.98, 0.99),
)
# Apart by this much where measured levels tie, so that the map has an inverse.
_STEP = 1e-9


@dataclass(frozen=True)
class AgeBand:
    """How age intervals are widened or narrowed for faces of a band of predicted ages.

    Attributes:
        first: Lower end of the band, years; it ends where the next one begins.
        n: Validation faces in it.
        asked: For each promised level, the level that is asked of the distribution, 0..1.
        pooled: The faces were too few, so ``asked`` is that of all bands together.
    """

    first: float
    n: int
    asked: tuple[float, ...]
    pooled: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.first) or self.n < 0:
            raise ConfigError(f"age band from {self.first} with {self.n} faces is impossible")
        _require_rising("asked levels", self.asked)


@dataclass(frozen=True)
class Calibration:
    """Temperatures and conformal levels, fitted by ``evaluation.fit_calibration``.

    Attributes:
        gender_temperature: The logit of P(female) is divided by it (Guo et al. 2017); above 0.
        range_temperature: The logarithms of the range probabilities are divided by it; above 0.
        levels: Promised levels of the age interval, rising, within 0..1.
        bands: Bands of predicted age, lowest first; the first also takes what lies below it.
        fitted_on: Data, split, sources, number of faces, flip averaging and date.
    """

    gender_temperature: float
    range_temperature: float
    levels: tuple[float, ...]
    bands: tuple[AgeBand, ...]
    fitted_on: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("gender_temperature", "range_temperature"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} {value} must be a number above 0")
        _require_rising("levels", self.levels)
        if not self.bands:
            raise ConfigError("a calibration needs at least one age band")
        firsts = [band.first for band in self.bands]
        if firsts != sorted(set(firsts)):
            raise ConfigError(f"age bands must rise, not {firsts}")
        if any(len(band.asked) != len(self.levels) for band in self.bands):
            raise ConfigError("each age band needs one asked level for each promised one")

    def band_of(self, ages: Floats) -> NDArray[np.int64]:
        """Index of the band of each predicted age in years, (n,)."""
        inner = [band.first for band in self.bands[1:]]
        return np.searchsorted(inner, ages, side="right").astype(np.int64)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Such as ``"5 to 16"``, and ``"50 and up"`` for the last."""
        firsts = [f"{band.first:.0f}" for band in self.bands]
        inner = (f"{first} to {end}" for first, end in pairwise(firsts))
        return (*inner, f"{firsts[-1]} and up")

    def asked_level(self, promised: Floats | float, ages: Floats) -> Floats:
        """The central level of the distribution that keeps a promise.

        Args:
            promised: Wanted coverage, 0..1, for all faces or for each, (n,).
            ages: Predicted ages in years, (n,); they choose the band.

        Returns:
            Levels 0..1, (n,). Rising in ``promised``, so a face's intervals are nested.
        """
        return self._mapped(promised, ages, inverse=False)

    def promised_level(self, asked: Floats | float, ages: Floats) -> Floats:
        """The inverse of ``asked_level``: the coverage of a central level, (n,)."""
        return self._mapped(asked, ages, inverse=True)

    def _mapped(self, level: Floats | float, ages: Floats, *, inverse: bool) -> Floats:
        values = np.broadcast_to(np.asarray(level, dtype=np.float64), ages.shape)
        bands = self.band_of(ages)
        mapped = np.empty(len(ages))
        promised = np.concatenate([[0.0], self.levels, [1.0]])
        for index, band in enumerate(self.bands):
            own = bands == index
            asked = np.concatenate([[0.0], band.asked, [1.0]])
            if inverse:
                asked = asked + _STEP * np.arange(len(asked))
                mapped[own] = np.interp(values[own], asked, promised)
            else:
                mapped[own] = np.interp(values[own], promised, asked)
        return mapped

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Calibration:
        """Read what ``dataclasses.asdict`` gave.

        Raises:
            KeyError, TypeError, ValueError, ConfigError: it is damaged.
        """
        return cls(
            gender_temperature=float(value["gender_temperature"]),
            range_temperature=float(value["range_temperature"]),
            levels=tuple(float(level) for level in value["levels"]),
            bands=tuple(
                AgeBand(
                    float(band["first"]),
                    int(band["n"]),
                    tuple(float(level) for level in band["asked"]),
                    bool(band["pooled"]),
                )
                for band in value["bands"]
            ),
            fitted_on=dict(value["fitted_on"]),
        )


def _require_rising(name: str, levels: tuple[float, ...]) -> None:
    fits = all(0 <= level <= 1 for level in levels)
    if not levels or not fits or list(levels) != sorted(levels):
        raise ConfigError(f"{name} must rise within 0..1, not {levels}")
