from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.morph import MORPH


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("Album2/009055_1M54.JPG", 54, 0),
        ("332574_00F45.jpg", 45, 1),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert MORPH.parse(path) == FaceLabel(age, gender)
    assert MORPH.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize("path", ["009055_1X54.JPG", "009055_M54.JPG", "055_1M54.JPG"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        MORPH.parse(path)
    assert str(caught.value) == "name is not <person>_<number><M or F><age>.jpg, as in MORPH"


def test_an_age_outside_of_the_limits_is_refused() -> None:
    with pytest.raises(LabelError, match="117 is outside"):
        MORPH.parse("009055_1M117.JPG")
