"""A card cannot lie about the mean and the standard deviation of its network."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cards import card_of

from utkage.core.errors import WeightsError
from utkage.models.card import Card
from utkage.models.registry import BACKBONES


def changed(card: Card, **contract: Any) -> str:
    value = json.loads(card.to_json())
    value["contract"] |= contract
    return json.dumps(value)


@pytest.mark.parametrize("backbone", [*BACKBONES, "vgg_face"])
def test_true_values_are_read_for_every_network(backbone: str) -> None:
    card = card_of(backbone, system="seed" if backbone == "vgg_face" else "multitask")
    read = Card.from_json(card.to_json(), "x")
    assert (read.contract.mean, read.contract.std) == (card.contract.mean, card.contract.std)
    # Cards also hold float32 values.
    rounded = [value + 1e-4 for value in card.contract.mean]
    assert Card.from_json(changed(card, mean=rounded), "x").contract.mean == tuple(rounded)


@pytest.mark.parametrize("name", ["mean", "std"])
@pytest.mark.parametrize(
    ("backbone", "system"),
    [("mobilenet_v1", "multitask"), ("resnet18", "multitask"), ("vgg_face", "seed")],
)
def test_other_values_are_refused(name: str, backbone: str, system: str) -> None:
    card = card_of(backbone, system=system)
    values = [*getattr(card.contract, name)]
    values[1] += 0.5
    with pytest.raises(WeightsError, match=rf"x: its card is damaged \(contract\.{name} is .*has"):
        Card.from_json(changed(card, **{name: values}), "x")


def test_the_network_of_another_program_is_not_known() -> None:
    card = card_of("their_backbone")
    text = changed(card, mean=[1, 2, 3])
    assert Card.from_json(text, "x").contract.mean == (1.0, 2.0, 3.0)
