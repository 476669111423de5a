from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.afad import AFAD


@pytest.mark.parametrize(
    ("path", "age", "gender"),
    [
        ("AFAD-Full/18/112/15-0.jpg", 18, 1),
        ("40/111/9-1.jpg", 40, 0),
    ],
)
def test_paths_with_labels(path: str, age: int | None, gender: int | None) -> None:
    assert AFAD.parse(path) == FaceLabel(age, gender)
    assert AFAD.is_complete == (age is not None and gender is not None)


@pytest.mark.parametrize(
    "path", ["18/113/1.jpg", "18/112.jpg", "1118/112/1.jpg", "x18/112/a/1.jpg"]
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(LabelError) as caught:
        AFAD.parse(path)
    assert str(caught.value) == "path is not <age>/<111 or 112>/<name>, as in AFAD"


def test_an_age_outside_of_the_limits_is_refused() -> None:
    with pytest.raises(LabelError, match="117 is outside"):
        AFAD.parse("117/111/1.jpg")
