from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from utkage.core.errors import ConfigError
from utkage.faces.contract import UTKFACE_TEMPLATE, CropContract, utkface_contract


def test_sizes_scale_the_template() -> None:
    small = utkface_contract(100)
    assert small.size == 100
    assert small.template[0] == pytest.approx((29.7, 29.95))
    back = small.at_size(200).template
    assert [value for point in back for value in point] == pytest.approx(
        [value for point in UTKFACE_TEMPLATE for value in point]
    )


def test_distance_is_a_share_of_the_size() -> None:
    contract = utkface_contract(200)
    moved = replace(contract, template=tuple((x + 3, y) for x, y in contract.template))
    assert contract.distance(moved) == pytest.approx(3 / 200)
    assert contract.distance(moved.at_size(64)) == pytest.approx(3 / 200)
    assert not contract.fits(moved)
    assert contract.fits(contract.at_size(112))


def test_json_and_back() -> None:
    contract = replace(utkface_contract(160), std=(2.0, 3.0, 4.0))
    assert CropContract.from_json(contract.to_json()) == contract
    assert contract.unscaled().std == (1.0, 1.0, 1.0)
    assert contract.unscaled().mean == (0.0, 0.0, 0.0)
    assert contract.unscaled().template == contract.template


@pytest.mark.parametrize("missing", ["size", "template", "colour", "mean", "std"])
def test_json_without_a_field(missing: str) -> None:
    value = utkface_contract(64).to_json()
    del value[missing]
    with pytest.raises(ConfigError, match="cannot be read"):
        CropContract.from_json(value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 15},
        {"size": 1025},
        {"template": UTKFACE_TEMPLATE[:4]},
        {"colour": "BGR"},
        {"std": (1.0, 0.0, 1.0)},
    ],
)
def test_impossible_contracts(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(utkface_contract(64), **wrong)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.1, 0.125, 0.37, 0.5])
@pytest.mark.parametrize("size", [64, 97, 98, 160, 225])
def test_a_margin_can_be_removed_and_added_again(size: int, margin: float) -> None:
    wide = utkface_contract(size, margin)
    narrow = wide.without_margin()
    assert narrow.size == size
    again = narrow.with_margin(wide.margin)
    assert again.size == wide.size
    np.testing.assert_allclose(again.template, wide.template)


@pytest.mark.parametrize("size", [64, 97, 98, 160, 225])
def test_whole_pixels_are_removed_at_each_edge(size: int) -> None:
    wide = utkface_contract(160, 0.1).at_size(size)
    narrow = wide.without_margin()
    assert (wide.size - narrow.size) % 2 == 0, "so that the middle of both is the same"
    assert narrow.size == pytest.approx(size / 1.2, abs=1)
    assert narrow.fits(utkface_contract(160))


def test_a_crop_counts_as_wider_for_both_or_for_neither() -> None:
    standard = utkface_contract(200)
    for ratio in np.linspace(1.0, 1.03, 301):
        template = tuple(
            ((x - 100) / ratio + 100, (y - 100) / ratio + 100) for x, y in standard.template
        )
        crop = replace(standard, template=template)
        assert (crop.margin > 0) == (crop.without_margin() is not crop)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (None, "contract "),
        ({"size": 0}, "contract.size"),
        ({"size": 1025}, "contract.size .* 1024"),
        ({"size": "64"}, "contract.size"),
        ({"template": [[1.0, 2.0, 3.0]] * 5}, r"contract\.template\.point .* 2"),
        ({"mean": [1.0, 2.0]}, "contract.mean .* 3"),
        ({"std": [1.0, 2.0, 3.0, 4.0]}, "contract.std .* 3"),
        ({"colour": 3}, "contract.colour"),
    ],
)
def test_json_with_other_values(changed: dict[str, Any] | None, reason: str) -> None:
    value = changed and {**utkface_contract(64).to_json(), **changed}
    with pytest.raises(ConfigError, match=f"^crop contract cannot be read: .*{reason}"):
        CropContract.from_json(value)


def test_a_size_of_one_is_read_and_then_refused() -> None:
    value = {**utkface_contract(64).to_json(), "size": 1}
    with pytest.raises(ConfigError, match=r"^chip size 1 is outside 16\.\.1024"):
        CropContract.from_json(value)


def test_a_crop_is_as_wide_as_the_widest_of_the_same_centre() -> None:
    contract, wide = utkface_contract(200), utkface_contract(200, margin=0.1)
    moved = replace(contract, template=tuple((x + 30, y) for x, y in contract.template))
    assert contract.as_wide_as([]) is contract
    assert contract.as_wide_as([moved]) is contract
    assert contract.as_wide_as([moved, contract]) is contract
    assert contract.as_wide_as([contract, wide]).size == 240
    barely = contract.at_size(201)
    barely = replace(barely, template=tuple((x + 0.5, y + 0.5) for x, y in contract.template))
    assert contract.width_ratio(barely) == pytest.approx(1.005)
    assert contract.as_wide_as([barely]) is contract
