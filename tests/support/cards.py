"""Cards as trainings write them."""

from __future__ import annotations

from typing import Any

from utkage.faces.contract import utkface_contract
from utkage.models.card import Card
from utkage.models.normalisation import with_normalisation


def card_of(
    backbone: str = "mobilenet_v3_small", size: int = 64, system: str = "multitask", **rest: Any
) -> Card:
    """A card with the normalisation of its network."""
    contract = with_normalisation(utkface_contract(size), system, backbone)
    return Card(system=system, backbone=backbone, contract=contract, **rest)
