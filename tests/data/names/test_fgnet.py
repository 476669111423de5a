from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.fgnet import FGNET


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("images/001A43a.JPG", 43, None),
        ("00001A02.jpg", 2, None),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert FGNET.parse(path) == FaceLabel(age, gender)
    assert FGNET.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize("path", ["001B43.jpg", "0001A43.jpg", "001A4.jpg"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        FGNET.parse(path)
    assert str(caught.value) == "name is not <person>A<age>.jpg, as in FG-NET"
