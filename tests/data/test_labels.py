import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utkage.core.errors import LabelError
from utkage.data.labels import (
    AGE_COUNT,
    AGE_RANGES,
    MAX_AGE,
    RANGE_NAMES,
    FaceLabel,
    format_name,
    parse_name,
    range_index,
)

LABELS = st.builds(FaceLabel, st.integers(0, 116), st.integers(0, 1), st.integers(0, 4))
DATES = st.text("0123456789", min_size=1, max_size=20)


@settings(deadline=None)
@given(LABELS, DATES, st.booleans())
def test_names_come_back(label: FaceLabel, date: str, chip: bool) -> None:
    name = format_name(label, date, chip=chip)
    assert name.endswith(".jpg.chip.jpg") == chip
    assert parse_name(name) == label


@settings(deadline=None)
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


@settings(deadline=None)
@given(LABELS, DATES, st.data())
def test_a_character_put_in_is_noticed_or_reads_as_digits(
    label: FaceLabel, date: str, data: st.DataObject
) -> None:
    name = format_name(label, date)
    place = data.draw(st.integers(0, len(name)))
    extra = data.draw(st.sampled_from(" \n\t/\\-+._é²٣"))
    with pytest.raises(LabelError):
        parse_name(name[:place] + extra + name[place:])


@settings(deadline=None)
@given(LABELS, st.text("0123456789", min_size=2, max_size=20), st.booleans())
def test_names_without_race_where_they_are_allowed(label: FaceLabel, date: str, chip: bool) -> None:
    whole = format_name(label, date, chip=chip)
    name = f"{label.age}_{label.gender}_{date}{'.jpg.chip.jpg' if chip else '.jpg'}"
    with pytest.raises(LabelError, match="3 fields instead of 4"):
        parse_name(name)
    assert parse_name(name, allow_missing_race=True) == FaceLabel(label.age, label.gender)
    assert parse_name(whole, allow_missing_race=True) == label


@settings(deadline=None)
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
