import json
from dataclasses import replace

import pytest

from utkage.core.errors import ConfigError, WeightsError
from utkage.models.card import Card


def test_a_card_comes_back(card: Card) -> None:
    full = card.with_metrics("val", {"mae": 5.25, "gender_accuracy_16plus": None})
    assert Card.from_json(full.to_json(), "x") == full
    assert "\n" not in full.to_json()
    assert list(full.to_dict())[:2] == ["format", "version"]


def test_metrics_of_one_split_are_replaced(card: Card) -> None:
    twice = card.with_metrics("val", {"mae": 9}).with_metrics("test", {"mae": 8})
    assert twice.with_metrics("val", {"mae": 7}).metrics == {"val": {"mae": 7}, "test": {"mae": 8}}
    assert card.metrics == {}


def test_unknown_point_estimates_are_refused(card: Card) -> None:
    with pytest.raises(ConfigError, match="mode"):
        Card(system="multitask", backbone="resnet18", contract=card.contract, point_estimate="mode")


def test_unknown_age_heads_are_refused(card: Card) -> None:
    with pytest.raises(ConfigError, match="rank; it must be softmax, coral, corn"):
        Card(system="multitask", backbone="resnet18", contract=card.contract, age_head="rank")


def test_older_cards_have_a_softmax_head(card: Card) -> None:
    value = card.to_dict()
    del value["age_head"]
    assert Card.from_json(json.dumps(value), "x") == card
    assert card.age_head == "softmax"


def test_older_cards_average_with_the_whole_mirrored_chip(card: Card) -> None:
    value = replace(card, mirrored_view="enlarged").to_dict()
    assert Card.from_json(json.dumps(value), "x").mirrored_view == "enlarged"
    del value["mirrored_view"]
    assert Card.from_json(json.dumps(value), "x").mirrored_view == "whole"


def test_older_cards_have_no_repetitions(card: Card) -> None:
    value = card.to_dict()
    del value["repetitions"]
    assert Card.from_json(json.dumps(value), "x") == replace(card, repetitions=())


def test_the_terms_name_research(card: Card) -> None:
    assert "non-commercial" in card.terms


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', "{}", '{"format": "x"}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="here: its card is damaged"):
        Card.from_json(text, "here")


def test_newer_cards_are_refused(card: Card) -> None:
    text = json.dumps({**card.to_dict(), "version": 2})
    with pytest.raises(WeightsError, match="here: card version 2, this utkage reads 1; upgrade"):
        Card.from_json(text, "here")


@pytest.mark.parametrize(
    "name",
    ["system", "backbone", "contract", "point_estimate", "data", "metrics", "lineage", "limits"],
)
def test_cards_without_a_field_are_refused(card: Card, name: str) -> None:
    value = card.to_dict()
    del value[name]
    with pytest.raises(WeightsError, match="here: its card is damaged"):
        Card.from_json(json.dumps(value), "here")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contract", None),
        ("contract", {"size": 5}),
        ("point_estimate", "mode"),
        ("point_estimate", None),
        ("age_head", "rank"),
        ("age_head", None),
        ("mirrored_view", "twice"),
        ("mirrored_view", None),
        ("age_head", ["softmax"]),
        ("lineage", None),
        ("limits", 3),
    ],
)
def test_cards_with_a_wrong_field_are_refused(card: Card, name: str, value: object) -> None:
    with pytest.raises(WeightsError, match="here: its card is damaged"):
        Card.from_json(json.dumps({**card.to_dict(), name: value}), "here")
