"""``Calibration``: temperatures and conformal levels fitted to validation faces; part of the card.

``ChipGraph`` and ``SeedGraph`` apply the temperatures, so exported files do as well;
``Predictions`` applies the levels to age intervals and P(age >= T). The module imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError
from utkage.core.fields import Fields
from utkage.core.setting_checks import require_number

Floats = NDArray[np.float64]

# Nominal coverages at which levels are fitted; between them, and to 0 and 1, the map is linear.
LEVELS = (
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
    *(0.92, 0.94, 0.95, 0.96, 0.98, 0.99),
)
# Temperatures that a card may hold; those of trained networks lie between 0.5 and 3.
TEMPERATURES = (1e-3, 1e3)
# Separates tied levels, so that the map has an inverse.
_STEP = 1e-9


@dataclass(frozen=True)
class AgeBand:
    """Conformal levels for faces in a band of predicted ages.

    Attributes:
        first: Lower end of the band, years; the band ends where the next one begins.
        n: Number of validation faces in the band.
        requested: Level to request from the distribution for each nominal coverage, 0..1.
        pooled: Whether ``requested`` is that of all bands together, because there were too few
            faces in this one.
    """

    first: float
    n: int
    requested: tuple[float, ...]
    pooled: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.first) or self.n < 0:
            raise ConfigError(f"age band from {self.first} with {self.n} faces is impossible")
        _require_increasing("requested levels", self.requested)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Temperatures and conformal levels, fitted by ``evaluation.calibration.fit_calibration``.

    Attributes:
        gender_temperature: Divisor of the logit of P(female) (Guo et al. 2017); above 0.
        range_temperature: Divisor of the logarithms of the range probabilities; above 0.
        levels: Nominal coverages of the age interval, increasing, within 0..1.
        bands: Bands of predicted age, lowest first; the first includes all lower ages.
        fitted_on: Data, split, sources, number of faces, flip averaging and date of the fit.
    """

    gender_temperature: float
    range_temperature: float
    levels: tuple[float, ...]
    bands: tuple[AgeBand, ...]
    fitted_on: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_number(self, "gender_temperature", "range_temperature", above=0, below=math.inf)
        _require_increasing("levels", self.levels)
        if not self.bands:
            raise ConfigError("a calibration needs at least one age band")
        firsts = [band.first for band in self.bands]
        if firsts != sorted(set(firsts)):
            raise ConfigError(f"age bands must increase, not {firsts}")
        if any(len(band.requested) != len(self.levels) for band in self.bands):
            raise ConfigError("each age band needs one requested level for each nominal coverage")

    def band_of(self, ages: Floats) -> NDArray[np.int64]:
        """Index of the band of each predicted age in years, (n,)."""
        inner = [band.first for band in self.bands[1:]]
        return np.searchsorted(inner, ages, side="right").astype(np.int64)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names such as ``"5 to 16"``, and ``"50 and up"`` for the last band."""
        firsts = [f"{band.first:.0f}" for band in self.bands]
        inner = (f"{first} to {end}" for first, end in pairwise(firsts))
        return (*inner, f"{firsts[-1]} and up")

    def requested_level(self, coverage: Floats | float, ages: Floats) -> Floats:
        """The central level of the distribution that achieves a nominal coverage, 0..1, (n,).

        Args:
            coverage: Nominal coverage, 0..1, for all faces or for each, (n,). Levels increase with
                it, so that intervals of a face are nested.
            ages: Predicted ages in years, (n,); they select the band.
        """
        return self._interpolated(coverage, ages, inverse=False)

    def nominal_coverage(self, level: Floats | float, ages: Floats) -> Floats:
        """The inverse of ``requested_level``: the coverage of a central level, (n,)."""
        return self._interpolated(level, ages, inverse=True)

    def _interpolated(self, values: Floats | float, ages: Floats, *, inverse: bool) -> Floats:
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), ages.shape)
        bands = self.band_of(ages)
        result = np.empty(len(ages))
        coverages = np.array([0.0, *self.levels, 1.0])
        for index, band in enumerate(self.bands):
            inside = bands == index
            requested = np.array([0.0, *band.requested, 1.0])
            if inverse:
                requested += _STEP * np.arange(len(requested))
            curve = (requested, coverages) if inverse else (coverages, requested)
            result[inside] = np.interp(values[inside], *curve)
        return result

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "gender_temperature": self.gender_temperature,
            "range_temperature": self.range_temperature,
            "levels": self.levels,
            "bands": [
                {"first": band.first, "n": band.n, "asked": band.requested, "pooled": band.pooled}
                for band in self.bands
            ],
            "fitted_on": self.fitted_on,
        }

    @classmethod
    def from_json(cls, value: Any) -> Calibration:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError, ConfigError: a value is missing, of another type, or out of range.
        """
        fields = Fields.of(value, "calibration")
        return cls(
            gender_temperature=fields.number("gender_temperature", *TEMPERATURES),
            range_temperature=fields.number("range_temperature", *TEMPERATURES),
            levels=fields.numbers("levels", least=0, most=1),
            bands=tuple(
                AgeBand(
                    band.number("first"),
                    band.whole("n"),
                    band.numbers("asked", least=0, most=1),
                    band.flag("pooled"),
                )
                for band in fields.list_of_fields("bands")
            ),
            fitted_on=fields.table("fitted_on"),
        )


def _require_increasing(name: str, levels: tuple[float, ...]) -> None:
    possible = all(0 <= level <= 1 for level in levels)
    if not levels or not possible or list(levels) != sorted(levels):
        raise ConfigError(f"{name} must increase within 0..1, not {levels}")
