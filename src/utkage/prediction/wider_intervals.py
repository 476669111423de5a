"""Wider age intervals for faces whose flags show that errors grow.

The levels lie in ``shipped/wider_intervals.json``: for each flag and each nominal coverage, the
nominal coverage to request instead. ``python -m tools.quality wider`` measures them on validation
faces with painted coverings and unusual looks, such that intervals hold as often as on the same
faces without paint. They act on top of the calibration of the weights, whichever those are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from utkage.core.errors import WeightsError
from utkage.core.files import write_text
from utkage.prediction.predictions import Floats

SHIPPED_FILE = "wider_intervals.json"
# Separates tied levels, so that the map has an inverse.
_STEP = 1e-9


@dataclass(frozen=True)
class WiderIntervals:
    """Coverages to request for flagged faces.

    Attributes:
        levels: Nominal coverages, increasing, within 0..1; between them, and to 0 and 1, the
            levels are linear.
        requested: For each flag, the coverage to request instead of each of ``levels``; never
            below it.
        measured_on: Data, split, weights, number of faces and date.
    """

    levels: tuple[float, ...]
    requested: Mapping[str, tuple[float, ...]]
    measured_on: dict[str, Any] = field(default_factory=dict)

    def level(self, coverage: float, flags: Sequence[str]) -> float:
        """The coverage, 0..1, to request for a face with these flags; the widest of its flags."""
        curves = self._curves(flags)
        nominal = np.array([0.0, *self.levels, 1.0])
        return max([coverage, *(float(np.interp(coverage, nominal, curve)) for curve in curves)])

    def probability(self, probability: float, flags: Sequence[str]) -> float:
        """P(age >= T) of a face with these flags, from that of the same face without flags.

        It stays consistent with the intervals: it is at least (1 + p) / 2 exactly where the wider
        interval of level p lies above T - 1/2.
        """
        central = abs(2 * probability - 1)
        nominal = np.array([0.0, *self.levels, 1.0])
        for curve in self._curves(flags):
            rising = curve + _STEP * np.arange(len(curve))
            central = min(central, float(np.interp(abs(2 * probability - 1), rising, nominal)))
        return float((1 + np.sign(probability - 0.5) * central) / 2)

    def _curves(self, flags: Sequence[str]) -> list[Floats]:
        known = (self.requested[flag] for flag in flags if flag in self.requested)
        return [np.array([0.0, *levels, 1.0]) for levels in known]

    def save(self, path: Path) -> None:
        """Write the levels as JSON."""
        content = {
            "levels": self.levels,
            "requested": dict(self.requested),
            "measured_on": self.measured_on,
        }
        write_text(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def open(cls, path: Path) -> WiderIntervals:
        """Read what ``save`` wrote; ``WeightsError`` if that is not possible."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            levels = tuple(map(float, content["levels"]))
            requested = {
                str(flag): tuple(map(float, own)) for flag, own in content["requested"].items()
            }
            if any(len(own) != len(levels) for own in requested.values()):
                raise ValueError("a flag has another number of levels")
            measured_on = dict(content["measured_on"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise WeightsError(
                f"{path}: the levels of wider intervals cannot be read ({error}); "
                "install utkage again"
            ) from error
        return cls(levels, requested, measured_on)


@cache
def shipped_wider_intervals() -> WiderIntervals:
    """The levels in the package, read once; raises as ``WiderIntervals.open``."""
    return WiderIntervals.open(Path(str(files("utkage") / "shipped" / SHIPPED_FILE)))
