import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from utkage.core.errors import LabelError
from utkage.data.labels import (
    AGE_COUNT,
    AGE_RANGES,
    MAX_AGE,
    RANGE_NAMES,
    AgeRange,
    FaceLabel,
    format_name,
    parse_name,
    range_index,
)

LABELS = st.builds(FaceLabel, st.integers(0, 116), st.integers(0, 1), st.integers(0, 4))
DATES = st.text("0123456789", min_size=1, max_size=20)


@given(LABELS, DATES, st.booleans())
def test_names_come_back(label: FaceLabel, date: str, chip: bool) -> None:
    name = format_name(label, date, chip=chip)
    assert name.endswith(".jpg.chip.jpg") == chip
    assert parse_name(name) == label


@given(st.text(max_size=40))
@example("1_0_0_1.jpg")
def test_any_text_is_a_label_or_a_label_error(text: str) -> None:
    try:
        label = parse_name(text)
    except LabelError:
        return
    fields = text.split(".")[0].split("_")
    assert [int(field) for field in fields[:3]] == [label.age, label.gender, label.race]
    assert text.isascii()


@given(LABELS, DATES, st.data())
def test_a_character_put_in_is_noticed_or_reads_as_digits(
    label: FaceLabel, date: str, data: st.DataObject
) -> None:
    name = format_name(label, date)
    place = data.draw(st.integers(0, len(name)))
    extra = data.draw(st.sampled_from(" \n\t/\\-+._é²٣"))
    with pytest.raises(LabelError):
        parse_name(name[:place] + extra + name[place:])


@given(LABELS, st.text("0123456789", min_size=2, max_size=20), st.booleans())
def test_names_without_race_where_they_are_allowed(label: FaceLabel, date: str, chip: bool) -> None:
    whole = format_name(label, date, chip=chip)
    name = f"{label.age}_{label.gender}_{date}{'.jpg.chip.jpg' if chip else '.jpg'}"
    with pytest.raises(LabelError, match="3 fields instead of 4"):
        parse_name(name)
    assert parse_name(name, allow_missing_race=True) == FaceLabel(label.age, label.gender)
    assert parse_name(whole, allow_missing_race=True) == label


@given(st.text("0123456789_.jpg", max_size=20))
@example("25_1_2.jpg")
@example("25_1_22_2017.jpg")
@example("25_1_20.jpg")
def test_allowing_names_without_race_allows_nothing_else(text: str) -> None:
    try:
        label = parse_name(text, allow_missing_race=True)
    except LabelError:
        return
    fields = text.split(".")[0].split("_")
    assert len(fields) == (3 if label.race is None else 4)
    assert [int(fields[0]), int(fields[1])] == [label.age, label.gender]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("25_1_2_20170116174525125 .jpg", "unexpected ' .jpg' after the date"),
        ("25_1_2_20170116174525125.jpg .chip.jpg", "after the date"),
        ("25_1_2_20170116174525125jpg", "unexpected 'jpg'"),
        ("25_1_2_20170116174525125", "unexpected ''"),
        ("25_1_2_20170116174525125.gif", "unexpected '.gif'"),
        ("25_1_2_20170116174525125.chip.jpg", "unexpected '.chip.jpg'"),
        ("25_1_2_20170116174525125.jpg\n", "after the date"),
        ("61_1_20170109142408075.jpg.chip.jpg", "3 fields instead of 4"),
        ("24_0_1_.jpg", "not a number"),
        ("53__0_20170116184028385.jpg", "not a number"),
        ("-5_1_2_20170116174525125.jpg", "not a number"),
        ("25_1_2_3_20170116174525125.jpg", "after the date"),
        ("face.jpg", "1 fields"),
        ("", "1 fields"),
        ("25_1_5_20170116174525125.jpg", "race 5 is outside 0..4"),
        ("25_2_1_20170116174525125.jpg", "gender 2 is neither"),
        ("117_1_1_20170116174525125.jpg", "age 117 is outside 0..116"),
        ("1000_1_1_20170116174525125.jpg", "not a number"),
        ("٢٥_1_2_20170116174525125.jpg", "not a number"),
        ("25_1_2_２017.jpg", "not a number"),
        ("25_1_²_2017.jpg", "not a number"),
        ("../25_1_2_2017.jpg", "not <age>"),
        ("x/25_1_2_2017.jpg", "not <age>"),
        ("25_1_2_2017.jpg/../../x.jpg", "after the date"),
        ("25_1_2_2017\0.jpg", "after the date"),
        (f"25_1_2_{'1' * 21}.jpg", "after the date"),
    ],
)
def test_malformed_names_give_the_reason(name: str, reason: str) -> None:
    with pytest.raises(LabelError, match=re.escape(reason)):
        parse_name(name)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("25_1_2_20170116174525125.jpg.chip.jpg", FaceLabel(25, 1, 2)),
        ("0_0_0_1.jpg", FaceLabel(0, 0, 0)),
        ("116_1_4_1.JPG", FaceLabel(116, 1, 4)),
        ("7_0_3_20.png", FaceLabel(7, 0, 3)),
        ("7_0_3_20.jpeg", FaceLabel(7, 0, 3)),
    ],
)
def test_good_names(name: str, label: FaceLabel) -> None:
    assert parse_name(name) == label


def test_format_refuses_what_could_not_be_read() -> None:
    with pytest.raises(LabelError, match="needs a race"):
        format_name(FaceLabel(1, 0), "1")
    for date in ("", "1 ", "x", "1" * 21, "٣", "1\n"):
        with pytest.raises(LabelError, match="digits"):
            format_name(FaceLabel(1, 0, 0), date)


@pytest.mark.parametrize(
    "fields", [(-1, 0, 0), (117, 0, 0), (5, 2, 0), (5, -1, 0), (5, 0, 5), (5, 0, -1)]
)
def test_labels_out_of_range(fields: tuple[int, int, int]) -> None:
    with pytest.raises(LabelError):
        FaceLabel(*fields)


def test_nine_ranges_cover_every_age_once() -> None:
    assert len(AGE_RANGES) == len(RANGE_NAMES) == len(set(RANGE_NAMES)) == 9
    assert AGE_RANGES[0].first == 0
    assert AGE_RANGES[-1].last == MAX_AGE == AGE_COUNT - 1 == 116
    for before, after in pairwise(AGE_RANGES):
        assert after.first == before.last + 1
    indices = [range_index(age) for age in range(AGE_COUNT)]
    assert indices == sorted(indices)
    assert set(indices) == set(range(9))
    for age, index in enumerate(indices):
        assert AGE_RANGES[index].first <= age <= AGE_RANGES[index].last
    assert RANGE_NAMES[0] == "0-4"
    assert RANGE_NAMES[-1] == "76+"


@pytest.mark.parametrize("age", [-1, 117, 10**6])
def test_no_range_outside(age: int) -> None:
    with pytest.raises(LabelError, match=str(age)):
        range_index(age)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((None, None), "a label needs an age or a gender"),
        ((5, 0, None, AgeRange(3, 9)), "age 5 and the range 3-9 exclude each other"),
        ((117, 0), "age 117 is outside 0..116"),
        ((None, 0, None, AgeRange(9, 9)), "age 9-9 is not a range within 0..116"),
        ((None, 0, None, AgeRange(-1, 9)), "age -1-9 is not a range within 0..116"),
        ((None, 0, None, AgeRange(9, 117)), "age 9-117 is not a range within 0..116"),
        ((5, 2), "gender 2 is neither 0 (male) nor 1 (female)"),
        ((5, 0, 5), "race 5 is outside 0..4"),
    ],
)
def test_what_a_label_cannot_be(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(LabelError) as caught:
        FaceLabel(*fields)
    assert str(caught.value) == message


def test_labels_at_the_limits() -> None:
    assert FaceLabel(None, 1).years is None
    assert FaceLabel(0, None, 0).years == AgeRange(0, 0)
    assert FaceLabel(116, None, 4).years == AgeRange(116, 116)
    assert FaceLabel(None, None, None, AgeRange(0, 116)).years == AgeRange(0, 116)


def test_a_label_from_the_years_that_it_allows() -> None:
    assert FaceLabel.of_years(None, 1, 2) == FaceLabel(None, 1, 2)
    assert FaceLabel.of_years(AgeRange(7, 7), 0, 3) == FaceLabel(7, 0, 3)
    label = FaceLabel.of_years(AgeRange(7, 9), None, 3)
    assert label == FaceLabel(None, None, 3, AgeRange(7, 9))
    assert FaceLabel.of_years(AgeRange(7, 9), 0) == FaceLabel(None, 0, None, AgeRange(7, 9))


def test_names_of_ranges() -> None:
    assert [AgeRange(3, 3).name, AgeRange(3, 9).name, AgeRange(70, 116).name] == [
        *("3", "3-9", "70+")
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.jpg", "name is not <age>_<gender>_<race>_<date>.jpg (1 fields instead of 4)"),
        ("1_2_3_x.jpg", "name is not <age>_<gender>_<race>_<date>.jpg (a field is not a number)"),
        ("1_0_3_2.gif", "unexpected '.gif' after the date"),
    ],
)
def test_the_whole_message_of_malformed_names(name: str, message: str) -> None:
    with pytest.raises(LabelError) as caught:
        parse_name(name)
    assert str(caught.value) == message


def test_names_without_race_are_read_on_request() -> None:
    with pytest.raises(LabelError):
        parse_name("30_1_2017.jpg")
    assert parse_name("30_1_2017.jpg", allow_missing_race=True) == FaceLabel(30, 1)
    assert parse_name("30_1_2_2017.jpg", allow_missing_race=True) == FaceLabel(30, 1, 2)


def test_what_a_name_needs() -> None:
    assert format_name(FaceLabel(1, 0, 4), "7") == "1_0_4_7.jpg.chip.jpg"
    assert format_name(FaceLabel(1, 0, 4), "7", chip=False) == "1_0_4_7.jpg"
    for label in (FaceLabel(1, None, 0), FaceLabel(None, 1, 0)):
        with pytest.raises(LabelError) as caught:
            format_name(label, "1")
        assert str(caught.value) == "a name needs an age in whole years and a gender"
    with pytest.raises(LabelError) as caught:
        format_name(FaceLabel(1, 0), "1")
    assert str(caught.value) == "a name needs a race; 4 is 'Others'"


def test_the_message_of_an_age_without_range() -> None:
    with pytest.raises(LabelError) as caught:
        range_index(117)
    assert str(caught.value) == "age 117 is outside 0..116"
