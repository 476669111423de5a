"""The distance of the eyes and quality flags as axes of groups."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from small_sets import CONTRACT, manifest_rows, random_chips

from utkage.data.chips import LabelledChips, labelled_chips
from utkage.evaluation.groups.axes import axis_of_texts
from utkage.evaluation.groups.picture_quality import eye_distances, spelled_out, with_quality
from utkage.faces.alignment import landmarks_to_chip
from utkage.faces.quality import weaknesses

PLACES = ((100.0, 80.0), (140.0, 110.0), (115.0, 130.0), (95.0, 140.0), (125.0, 160.0))


def chips_of(count: int = 6) -> LabelledChips:
    """Chips of 32 pixels; the last but one is a photograph with landmarks, the last without."""
    pixels = random_chips(count)
    records = [
        replace(row.record, aligned=True, width=32 * 2**n)
        for n, row in enumerate(manifest_rows(pixels))
    ]
    records[-2] = replace(records[-2], aligned=False, landmarks=PLACES, width=200, height=150)
    records[-1] = replace(records[-1], aligned=False)
    return labelled_chips(pixels, range(count), records, CONTRACT)


def test_the_distance_of_the_eyes_is_in_pixels_of_the_picture() -> None:
    chips = chips_of()
    left, right = CONTRACT.without_margin().template[:2]
    share = math.dist(left, right) / CONTRACT.without_margin().size
    assert chips.geometry is not None
    found = eye_distances(chips.geometry, CONTRACT).tolist()
    assert found[:4] == pytest.approx([32 * share, 64 * share, 128 * share, 256 * share])
    assert found[4] == 50
    assert math.isnan(found[5])
    texts = with_quality(chips, ["eye_distance"]).attributes["eye_distance"]
    assert texts[4:] == ("32-63 pixels", "")
    for value, text in zip(found[:4], texts[:4], strict=True):
        low, high = map(int, text.removesuffix(" pixels").split("-"))
        assert low <= value < high + 1


def test_flags_are_those_of_predict_and_unknown_where_landmarks_are() -> None:
    chips = chips_of()
    attributes = with_quality(chips, ["Flags*gender"]).attributes
    assert set(attributes) == {"small", "blurred", "turned", "cut_off", "covered", "unusual"}
    assert attributes["turned"][:4] == ("", "", "", "")
    assert attributes["small"][0] == "yes"
    assert attributes["small"][3] == "no"
    own = weaknesses(
        chips.pixels[4], CONTRACT, PLACES, landmarks_to_chip(PLACES, CONTRACT), (200, 150)
    )
    assert "cut_off" in own
    for flag in ("small", "blurred", "turned", "cut_off"):
        assert attributes[flag][4] == ("yes" if flag in own else "no")
    assert {values[5] for values in attributes.values()} == {""}


def test_flags_stand_for_those_that_are_known() -> None:
    chips = chips_of()
    only_chips = with_quality(chips.take(np.arange(4)), ["flags"])
    assert spelled_out(["glasses", "flags*gender"], only_chips) == (
        *("glasses", "small*gender", "blurred*gender", "covered*gender", "unusual*gender"),
    )
    assert "turned" in spelled_out(["flags"], with_quality(chips, ["flags"]))


def test_columns_of_the_label_file_stay() -> None:
    chips = replace(chips_of(), attributes={"blurred": ("a",) * 6, "flags": ("b",) * 6})
    found = with_quality(chips, ["blurred", "flags"])
    assert found.attributes == chips.attributes
    assert spelled_out(["flags"], found) == ("flags",)
    assert with_quality(chips, ["gender"]).attributes == chips.attributes


def test_classes_are_sorted_by_their_numbers() -> None:
    texts = ["128-255 pixels", "16-31 pixels", "0-15 pixels", "256 pixels and more", "", "9", "b"]
    assert axis_of_texts("x", texts).groups == [
        *("0-15 pixels", "9", "16-31 pixels", "128-255 pixels", "256 pixels and more", "b"),
    ]
