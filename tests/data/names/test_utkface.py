from __future__ import annotations

import pytest

from utkage.core.errors import LabelError
from utkage.data.labels import FaceLabel
from utkage.data.names.utkface import UTKFACE, UTKFACE_WITHOUT_RACE


def test_the_name_alone_counts_not_its_folders() -> None:
    path = "part1/99_0_0_x/25_1_2_20170116174525125.jpg.chip.jpg"
    assert UTKFACE.parse(path) == FaceLabel(25, 1, 2)
    assert UTKFACE_WITHOUT_RACE.parse(path) == FaceLabel(25, 1, 2)


def test_race_may_be_missing_in_the_second_grammar_only() -> None:
    path = "25_1_20170116174525125.jpg"
    assert UTKFACE_WITHOUT_RACE.parse(path) == FaceLabel(25, 1)
    with pytest.raises(LabelError):
        UTKFACE.parse(path)
