"""Every value of a card is checked against its type and range, and named if it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cards import card_of

from utkage.core.errors import WeightsError
from utkage.models.calibration import AgeBand, Calibration
from utkage.models.card import Card

CARD = card_of(
    calibration=Calibration(
        gender_temperature=1.5,
        range_temperature=1.1,
        levels=(0.5, 0.8),
        bands=(AgeBand(0, 9, (0.4, 0.7)),),
    ),
    metrics={"val": {"n": 3, "mae": float("nan")}},
)


def replaced(path: str, value: Any) -> str:
    card: Any = json.loads(CARD.to_json())
    *parents, last = path.split(".")
    place = card
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(card)


def test_a_metric_that_is_nan_is_null() -> None:
    text = CARD.to_json()
    json.loads(text, parse_constant=pytest.fail)
    assert Card.from_json(text, "x").metrics == {"val": {"n": 3, "mae": None}}
    # Cards of former versions hold NaN.
    assert Card.from_json(text.replace('"mae": null', '"mae": NaN'), "x").metrics["val"] == {
        "n": 3,
        "mae": None,
    }


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("format", "other", 'format is "other"'),
        ("version", "1", 'version is "1"'),
        ("version", 2, "card version 2"),
        ("system", None, "system is null"),
        ("backbone", 7, "backbone is 7"),
        ("point_estimate", "mode", "point_estimate"),
        ("age_head", ["softmax"], "age_head"),
        ("contract", [], "contract is"),
        ("contract.size", 10**9, "contract.size is 1000000000"),
        ("contract.size", 64.5, "contract.size is 64.5"),
        ("contract.size", "64", 'contract.size is "64"'),
        ("contract.size", 8, "chip size 8 is outside"),
        ("contract.template", [[1, 2]] * 4, "five landmarks"),
        ("contract.template", [[1, 2]] * 5, "at the same place"),
        ("contract.template.0", [1, 2, 3], "contract.template"),
        ("contract.template.0", [float("nan"), 2], "contract.template"),
        ("contract.template.0", [1e300, 2], "far outside a chip"),
        ("contract.template.1", "xy", "contract.template"),
        ("contract.colour", "BGR", "colour order"),
        ("contract.mean", [1, 2], "contract.mean"),
        ("contract.mean", [1, 2, float("inf")], "contract.mean"),
        ("contract.std", [0, 1, 1], "std must be"),
        ("contract.std", None, "contract.std"),
        ("metrics", [], "metrics"),
        ("metrics.val", 4.5, "metrics.val is 4.5"),
        ("data", "x", "data is"),
        ("training", None, "training is"),
        ("lineage", "abc", "lineage"),
        ("limits", [1], "limits"),
        ("terms", {}, "terms"),
        ("versions", [], "versions"),
        ("calibration", 5, "calibration is 5"),
        ("calibration.gender_temperature", 0, "gender_temperature is 0"),
        ("calibration.gender_temperature", 1e38, "gender_temperature"),
        ("calibration.range_temperature", True, "range_temperature is true"),
        ("calibration.levels", [0.8, 0.5], "must increase"),
        ("calibration.levels", [0.5, 7], "levels"),
        ("calibration.bands", [], "at least one age band"),
        ("calibration.bands.0", 3, r"bands\[0\] is 3"),
        ("calibration.bands.0.n", -1, "n is -1"),
        ("calibration.bands.0.asked", [0.5], "one requested level for each"),
        ("calibration.bands.0.first", float("inf"), "first is null"),
        ("calibration.fitted_on", 1, "fitted_on"),
    ],
)
def test_wrong_values_are_named(path: str, value: Any, reason: str) -> None:
    with pytest.raises(WeightsError, match=rf"my\.file: .*{reason}"):
        Card.from_json(replaced(path, value), "my.file")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "[]",
        "null",
        "{",
        replaced("terms", "x").replace('"x"', '"\\ud800"', 1),
        replaced("data", {"x": 1}).replace('"x": 1', '"x": 1' + "0" * 5000, 1),
    ],
)
def test_texts_that_are_no_card_are_one_error(text: str) -> None:
    with pytest.raises(WeightsError, match=r"^my\.file: its card is damaged \(") as caught:
        Card.from_json(text, "my.file")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["system", "contract", "metrics", "versions", "terms"])
def test_missing_values_are_named(name: str) -> None:
    card = json.loads(CARD.to_json())
    del card[name]
    with pytest.raises(WeightsError, match=f"{name} is missing"):
        Card.from_json(json.dumps(card), "x")
