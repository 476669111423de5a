"""The normalisation of each system, against which cards are checked.

A card repeats the ``mean`` and ``std`` that are part of the network, for programs that read only
the card. They change no prediction, so wrong ones would not be noticed otherwise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from utkage.core.errors import ConfigError
from utkage.faces.contract import CropContract
from utkage.models.registry import BACKBONES, NO_SCALING, Triple

# Cards hold float32 values as well, and rounded ones.
_TOLERANCE = 0.01


def normalisation_of(system: str, backbone: str) -> tuple[Triple, Triple] | None:
    """Mean and standard deviation, in 0..255 units, of a system; None if they are not known.

    They are those of the backbone. The seed system takes values of 0..255 and normalises them in
    its own layers.
    """
    if system == "seed":
        return (0.0, 0.0, 0.0), NO_SCALING
    if system == "multitask" and backbone in BACKBONES:
        found = BACKBONES[backbone]
        return found.mean, found.std
    return None


def with_normalisation(contract: CropContract, system: str, backbone: str) -> CropContract:
    """The contract with the mean and standard deviation of a network, as its card needs it."""
    found = normalisation_of(system, backbone)
    return contract if found is None else replace(contract, mean=found[0], std=found[1])


def require_true_normalisation(system: str, backbone: str, contract: CropContract) -> None:
    """Raise a ``ConfigError`` if a contract has another normalisation than its network."""
    expected = normalisation_of(system, backbone)
    if expected is None:
        return
    for name, true, found in zip(
        ("mean", "std"), expected, (contract.mean, contract.std), strict=True
    ):
        if not np.allclose(true, found, rtol=0, atol=_TOLERANCE):
            raise ConfigError(
                f"contract.{name} is {list(found)}, but {backbone or system} has {list(true)}"
            )
