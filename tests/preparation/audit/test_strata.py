from __future__ import annotations

import pytest

from utkage.data.labels import GENDERS, RANGE_NAMES, AgeRange, FaceLabel
from utkage.data.split import SplitConfig
from utkage.preparation.audit.strata import build_strata, count_partial_labels, stratum_dict

SPLIT = SplitConfig(0, 0.2, 0.2)
KEPT = [
    *((FaceLabel(30, 1), "train") for _ in range(5)),
    *((FaceLabel(35, 1), "val") for _ in range(3)),
    (FaceLabel(30, 0), "test"),
    (FaceLabel(None, 1, None, AgeRange(26, 35)), "test"),
]
UNPLACED = [
    (FaceLabel(None, 1, None, AgeRange(20, 29)), "val"),
    (FaceLabel(None, 0), "train"),
    (FaceLabel(40, None), "train"),
]


def test_faces_by_range_and_gender() -> None:
    strata = build_strata([*KEPT, *UNPLACED], SPLIT)
    assert [(s.age_range, s.gender) for s in strata] == [
        (name, gender) for name in RANGE_NAMES for gender in range(len(GENDERS))
    ]
    found = {(s.age_range, s.gender): s for s in strata if s.faces}
    assert {place: s.splits for place, s in found.items()} == {
        ("26-35", 1): (5, 3, 1),
        ("26-35", 0): (0, 0, 1),
    }
    # 3 of 9 faces where 1.8 are expected; the standard deviation is that of 9 draws.
    women = found["26-35", 1]
    assert women.deviations[1] == pytest.approx((3 - 1.8) / (9 * 0.2 * 0.8) ** 0.5)
    as_json = stratum_dict(women)
    assert as_json["gender"] == "female"
    assert as_json["splits"] == {"train": 5, "val": 3, "test": 1}
    assert as_json["deviations"]["val"] == 1.0


def test_splits_without_a_share_have_no_deviation() -> None:
    (women,) = [s for s in build_strata(KEPT[:5], SplitConfig(0, 0, 0)) if s.faces]
    assert women.deviations == (None, None, None)
    assert stratum_dict(women)["deviations"] == {"train": None, "val": None, "test": None}


def test_faces_that_belong_to_no_stratum() -> None:
    found = count_partial_labels([*KEPT, *UNPLACED])
    assert (found.age_ranges, found.unknown_ages, found.unknown_genders) == (2, 1, 1)
    assert found.splits == (2, 1, 0)
    assert found.genders == (1, 1)
