from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.cacd import CACD


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("53_Robin_Williams_0001.jpg", 53, None),
        ("14_Zoë_O'Hara_0012.jpg", 14, None),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert CACD.parse(path) == FaceLabel(age, gender)
    assert CACD.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize(
    "path", ["53_1_0001.jpg", "53_Robin_Williams_1.jpg", "Robin_Williams_0001.jpg"]
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        CACD.parse(path)
    assert str(caught.value) == "name is not <age>_<name>_<number>.jpg, as in CACD"
