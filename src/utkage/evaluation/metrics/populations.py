"""All metrics with intervals: over all ages, over 16 and older, and over 21 to 60."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from utkage.data.labels import MAX_AGE
from utkage.evaluation.inputs.labelled_predictions import (
    ADULT_AGE,
    PROTOCOL_21_60,
    LabelledPredictions,
)
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate, Part
from utkage.evaluation.metrics.registry import statistics

# Key in JSON: label, first and last true age.
AGES: dict[str, tuple[str, int, int]] = {
    "all": ("all ages", 0, MAX_AGE),
    "16plus": ("16 and older", ADULT_AGE, MAX_AGE),
    "21_60": ("21 to 60", *PROTOCOL_21_60),
}


@dataclass(frozen=True)
class Population:
    """The metrics over the n faces of some true ages.

    Attributes:
        name: A key of ``AGES``.
        label: Name in tables and charts.
        metrics: In the order of ``METRICS``; without those that need distributions if none exist.
    """

    name: str
    label: str
    n: int
    metrics: dict[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        figures = {name: found.to_dict() for name, found in self.metrics.items()}
        return {"n": self.n, "figures": figures}

    @classmethod
    def from_dict(cls, name: str, label: str, stored: Mapping[str, Any]) -> Population:
        """The population that ``to_dict`` described."""
        metrics = {key: Estimate(**found) for key, found in stored["figures"].items()}
        return cls(name, label, stored["n"], metrics)


def populations(faces: LabelledPredictions, bootstrap: Bootstrap) -> tuple[Population, ...]:
    """Every metric over each of ``AGES``."""
    parts = []
    for _, first, last in AGES.values():
        everyone = (first, last) == (0, MAX_AGE)
        # Faces of unknown age belong to all ages.
        mask = np.full(len(faces), True) if everyone else faces.of_ages_mask(first, last)
        rows = np.flatnonzero(mask)
        parts.append(Part(statistics(faces if everyone else faces.take(rows)), rows))
    found = bootstrap.estimates_of(parts)
    return tuple(
        Population(name, label, bootstrap.size(part), metrics)
        for (name, (label, _, _)), part, metrics in zip(AGES.items(), parts, found, strict=True)
    )
