"""The precisions of exported files, and how far each may be from the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Largest differences between an exported file and its weights; None for no limit.

    Attributes:
        age: Largest difference of an age, years.
        probability: Largest difference of a probability.
        tie: Probabilities closer than this may swap ranks, because rounding decides.
        flips: Whether ranges and genders may differ beyond ties.
        mae_growth: Largest growth of the MAE on labelled faces, years.
    """

    age: float | None
    probability: float | None
    tie: float
    flips: bool
    mae_growth: float | None


DEFAULT_PRECISION = "fp32"

#: Limits by precision. Runtimes add floats in different orders, so every tie is above zero.
PRECISIONS: Mapping[str, Limits] = MappingProxyType(
    {
        "fp32": Limits(age=0.01, probability=0.001, tie=1e-4, flips=False, mae_growth=None),
        "fp16": Limits(age=0.1, probability=0.01, tie=5e-3, flips=False, mae_growth=None),
        "int8": Limits(age=None, probability=None, tie=1e-4, flips=True, mae_growth=0.15),
    }
)
