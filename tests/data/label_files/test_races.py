from __future__ import annotations

import pytest

from utkage.data.label_files import read_label_file
from utkage.data.label_files.races import parse_race


@pytest.mark.parametrize(
    ("text", "race"),
    [("White", 0), ("black", 1), ("ASIAN", 2), ("Indian", 3), ("others", 4), ("3", 3), ("2.0", 2)],
)
def test_names_and_numbers_of_utkface(text: str, race: int) -> None:
    assert parse_race(text) == race


@pytest.mark.parametrize("text", ["", "5", "9.0", "2.5", "East Asian", "Latino_Hispanic", "٢"])
def test_other_categories_are_not_mapped_to_these(text: str) -> None:
    assert parse_race(text) is None


def test_race_of_another_list_stays_empty() -> None:
    found = read_label_file(
        b"path,age,gender,race\na.jpg,25,f,East Asian\nb.jpg,26,m,black\n", "t.csv"
    )
    assert [row.label and row.label.race for row in found.rows] == [None, 1]
    (note,) = found.notes
    assert "race left empty in 1 of 2 rows" in note
    assert "East Asian" in note
