"""Chips of several data sets as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from utkage.data.chips import LabelledChips
from utkage.evaluation.inputs.joined_chips import joined_chips
from utkage.faces.contract import utkface_contract
from utkage.faces.recrop import recrop

Chips = Callable[..., LabelledChips]


def named(chips: LabelledChips, source: str) -> LabelledChips:
    return replace(chips, sources=(source,) * len(chips))


def test_the_columns_follow_each_other(labelled_chips: Chips) -> None:
    first, second = labelled_chips(5, seed=1), labelled_chips(3, seed=2)
    second = replace(
        second,
        attributes={"glasses": ("yes", "", "no")},
        ages=np.array([4, -1, 30]),
        age_ranges=np.array([(4, 4), (20, 29), (30, 30)]),
    )
    found = joined_chips([named(first, "faces"), named(second, "one")], first.contract)
    assert found.sources == ("faces",) * 5 + ("one",) * 3
    assert found.names == (*first.names, *second.names)
    assert found.ages.tolist() == [*first.ages.tolist(), 4, -1, 30]
    assert found.allowed_ages[6].tolist() == [20, 29]
    assert found.allowed_ages[0].tolist() == [first.ages[0]] * 2
    assert found.attributes == {"glasses": ("",) * 5 + ("yes", "", "no")}
    assert np.array_equal(found.pixels, np.concatenate([first.pixels, second.pixels]))
    assert len(set(found.group_numbers.tolist())) == 8
    assert joined_chips([first, labelled_chips(3)], first.contract).age_ranges is None


def test_copies_in_two_data_sets_are_one_group(labelled_chips: Chips) -> None:
    first, second = labelled_chips(4, seed=1), labelled_chips(4, seed=2)
    hashes = (first.pixel_hashes[2], *second.pixel_hashes[1:])
    second = replace(second, pixel_hashes=hashes, groups=("x", "x", "y", "z"))
    parts = [named(first, "a"), named(second, "b")]
    groups = joined_chips(parts, first.contract).group_numbers.tolist()
    assert groups[2] == groups[4] == groups[5]
    assert len(set(groups)) == 6


def test_chips_of_other_sizes_are_cropped_by_the_contract(labelled_chips: Chips) -> None:
    small, large = labelled_chips(300, size=32), labelled_chips(2, size=64, seed=1)
    wanted = utkface_contract(48)
    found = joined_chips([small, large], wanted)
    assert found.contract == wanted
    expected = [recrop(each.pixels, each.contract, wanted) for each in (small, large)]
    assert np.array_equal(found.pixels, np.concatenate(expected))
