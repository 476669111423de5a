from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.agedb import AGEDB


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("AgeDB/0_MariaCallas_35_f.jpg", 35, 1),
        ("10_Glenn Ford_60_m.jpg", 60, 0),
        ("7_A_B_9_M.PNG", 9, 0),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert AGEDB.parse(path) == FaceLabel(age, gender)
    assert AGEDB.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize(
    "path",
    [
        "0_MariaCallas_35.jpg",
        "MariaCallas_35_f.jpg",
        "0_MariaCallas_35_x.jpg",
        "0_MariaCallas_f_35.jpg",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        AGEDB.parse(path)
    assert str(caught.value) == "name is not <number>_<name>_<age>_<m or f>.jpg, as in AgeDB"


def test_an_age_outside_of_the_limits_is_refused() -> None:
    with pytest.raises(LabelError, match="117 is outside"):
        AGEDB.parse("0_A_117_f.jpg")
