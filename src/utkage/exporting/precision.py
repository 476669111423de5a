"""The precisions of exported files, and how far each may be from the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """What the parity gate lets pass.

    Attributes:
        age: Largest difference of an age, years; None: any.
        probability: Largest difference of a probability; None: any.
        tie: Two probabilities closer than this may change places: rounding decides then.
        flips: Whether ranges and genders may differ beyond ties.
        mae_growth: Years by which the MAE on labelled faces may grow, where there are any; None:
            it is only reported.
    """

    age: float | None
    probability: float | None
    tie: float
    flips: bool
    mae_growth: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(vars(self))


#: By name, as in ``--precision``. Runtimes add floats in another order, so no tie is zero.
PRECISIONS: Mapping[str, Limits] = MappingProxyType(
    {
        "fp32": Limits(age=0.01, probability=0.001, tie=1e-4, flips=False, mae_growth=None),
        "fp16": Limits(age=0.1, probability=0.01, tie=5e-3, flips=False, mae_growth=None),
        "int8": Limits(age=None, probability=None, tie=1e-4, flips=True, mae_growth=0.15),
    }
)


@dataclass(frozen=True)
class Precision:
    """How numbers are stored in a file.

    Attributes:
        name: A key of ``PRECISIONS``.
        chips: On which int8 measures the ranges of activations, uint8 (N, S, S, 3).
    """

    name: str
    chips: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 1, 1, 3), np.uint8))

    @property
    def limits(self) -> Limits:
        """What the parity gate lets pass."""
        return PRECISIONS[self.name]


FULL = Precision("fp32")
