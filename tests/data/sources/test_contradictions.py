"""Labels of a table compared with those in the names of the pictures."""

from __future__ import annotations

from utkage.data.labels import AgeRange, FaceLabel
from utkage.data.sources.contradictions import find_contradictions


def name(number: int, age: int, gender: int) -> str:
    return f"faces/{age}_{gender}_0_20170116{number:09d}.jpg"


def test_equal_labels_contradict_nothing() -> None:
    found = find_contradictions(
        {name(k, 20 + k, k % 2): FaceLabel(20 + k, k % 2) for k in range(9)}
    )
    assert found is not None
    assert (found.grammar, found.compared, found.genders, found.ages) == ("UTKFace", 9, 0, 0)
    assert found.text == ""
    assert not found.too_many


def test_names_of_no_data_set_are_not_compared() -> None:
    assert find_contradictions({"a.jpg": FaceLabel(20, 0), "b.jpg": FaceLabel(21, 1)}) is None
    assert find_contradictions({}) is None


def test_genders_the_other_way_round_are_told_so() -> None:
    found = find_contradictions({name(k, 30, k % 2): FaceLabel(30, 1 - k % 2) for k in range(10)})
    assert found is not None
    assert found.too_many
    assert found.text == (
        "contradicts the labels in the UTKFace names of the pictures: gender differs in 10 of 10 "
        "rows (is it coded the other way round?), such as 30_0_0_20170116000000000.jpg labelled "
        "age 30, female"
    )


def test_a_few_corrections_are_tolerated() -> None:
    labels = {name(k, 30, 0): FaceLabel(30, 0) for k in range(20)}
    labels[name(3, 30, 0)] = FaceLabel(30, 1)
    labels[name(4, 30, 0)] = FaceLabel(40, 0)
    found = find_contradictions(labels)
    assert found is not None
    assert (found.genders, found.ages, found.too_many) == (1, 1, False)
    assert (
        "gender differs in 1 of 20 rows and age differs by more than 5 years in 1 of 20 rows"
        in (found.text)
    )
    labels[name(5, 30, 0)] = labels[name(6, 30, 0)] = FaceLabel(24, 0)
    found = find_contradictions(labels)
    assert found is not None
    assert found.too_many, "3 of 20 ages"


def test_ranges_and_unknown_labels_contradict_only_what_they_exclude() -> None:
    labels = {
        name(0, 30, 0): FaceLabel(None, 0, None, AgeRange(20, 29)),
        name(1, 30, 0): FaceLabel(None, 0, None, AgeRange(40, 49)),
        name(2, 30, 0): FaceLabel(None, 1),
        name(3, 30, 0): FaceLabel(99, None),
    }
    found = find_contradictions(labels)
    assert found is not None
    assert (found.compared, found.both_genders, found.genders, found.ages) == (4, 3, 1, 2)
    assert "labelled age 40-49, male" in found.text
