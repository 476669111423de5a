from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.gender_folders import GENDER_FOLDERS


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("Training/male/090544.jpg.jpg", None, 0),
        ("Validation/Women/1.jpg", None, 1),
        ("boys/old/2.jpg", None, 0),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert GENDER_FOLDERS.parse(path) == FaceLabel(age, gender)
    assert GENDER_FOLDERS.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize("path", ["female.jpg", "male/female/1.jpg", "men and women/1.jpg"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        GENDER_FOLDERS.parse(path)
    assert str(caught.value) == "path has no folder named male or female"
