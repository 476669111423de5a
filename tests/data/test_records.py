from __future__ import annotations

from utkage.data.records import Dropped, by_kind, first_place


def dropped(*reasons: str) -> list[Dropped]:
    return [Dropped("s", f"{index}.jpg", reason) for index, reason in enumerate(reasons)]


def test_equal_reasons_keep_their_values() -> None:
    reason = "age 'old' is no number"
    items = dropped(f"{reason} (a.csv line 2)", f"{reason} (a.csv line 9)")
    assert by_kind(items) == {reason: items}


def test_reasons_that_differ_in_values_are_one_kind() -> None:
    items = dropped(
        "age 'old' is no number (a.csv line 2)",
        "no face",
        "age 'it\\'s 3' is no number (a.csv line 9)",
    )
    assert by_kind(items) == {"age ... is no number": [items[0], items[2]], "no face": [items[1]]}


def test_sizes_and_ages_are_values() -> None:
    found = by_kind(dropped("3x4 pixels: too small", "5x60 pixels: too small"))
    assert list(found) == ["... pixels: too small"]
    found = by_kind(dropped("age 130 is above 116", "age 140 is above 116"))
    assert list(found) == ["age ... is above 116"]
    assert len(by_kind(dropped("no face", "not a picture"))) == 2


def test_the_place_of_the_first() -> None:
    items = dropped("age 'x' (labels.csv line 7)", "age 'y' (labels.csv line 8)")
    assert first_place(items) == "labels.csv line 7"
    tried = dropped("no picture (labels.csv line 3); tried a.jpg, b.jpg")
    assert first_place(tried) == "labels.csv line 3"
    assert first_place(dropped("no face")) == "0.jpg"
