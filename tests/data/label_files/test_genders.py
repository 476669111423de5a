"""Gender as words of several languages, letters, numbers and flags."""

import pytest

from utkage.core.errors import ConfigError, LabelError
from utkage.data.label_files.genders import parse_coding, understand_column


@pytest.mark.parametrize(
    ("male", "female"),
    [
        ("Male", "Female"),
        ("M", "F"),
        ("m", "w"),
        ("H", "F"),
        ("H", "M"),
        ("M", "V"),
        ("M", "K"),
        ("E", "K"),
        ("L", "P"),
        ("м", "ж"),
        ("0", "1"),
        ("0.0", "1.0"),
        ("man", "woman"),
        ("homme", "femme"),
        ("Männlich", "Weiblich"),
        ("hombre", "mujer"),
        ("男", "女"),
        ("남자", "여자"),
        ("мужской", "женский"),
        ("erkek", "kadın"),
        ("MASCULINO", "FEMENINO"),
    ],
)
def test_pairs(male: str, female: str) -> None:
    column = understand_column([male, female, "", male], "gender", None)
    assert (column.parse(male), column.parse(f" {female} ")) == (0, 1)


def test_one_value_alone() -> None:
    assert understand_column(["m", "m"], "sex", None).parse("m") == 0
    assert understand_column(["F"], "sex", None).parse("F") == 1


@pytest.mark.parametrize("values", [["1", "2"], ["1.0", "2.0"], ["-1", "1"], ["h", "m", "f"]])
def test_ambiguous_columns_are_refused_until_the_coding_is_given(values: list[str]) -> None:
    column = understand_column(values * 10, "gender", None)
    with pytest.raises(LabelError, match="gender_coding"):
        column.parse(values[1] if values[0] in ("-1", "h") else values[0])


def test_a_stray_number_does_not_spoil_the_column() -> None:
    column = understand_column([*["0", "1"] * 50, "3"], "gender", None)
    assert column.parse("1") == 1
    with pytest.raises(LabelError, match="none of 0, 1"):
        column.parse("3")


def test_a_given_coding_holds() -> None:
    column = understand_column(["1", "2"], "gender", parse_coding({"1": "male", "2": "f"}))
    assert (column.parse("1.0"), column.parse("2"), column.parse("female")) == (0, 1, 1)
    with pytest.raises(LabelError):
        column.parse("0")
    with pytest.raises(ConfigError, match="0=male,1=female"):
        parse_coding({"1": "yes"})


@pytest.mark.parametrize(
    ("title", "yes", "no"), [("male", 0, 1), ("is_male", 0, 1), ("female", 1, 0)]
)
def test_flags(title: str, yes: int, no: int) -> None:
    column = understand_column(["1", "-1"], title, None)
    assert (column.parse("1"), column.parse("-1"), column.parse("True")) == (yes, no, yes)
