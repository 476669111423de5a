from dataclasses import dataclass, field, make_dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utkage.core.errors import ConfigError
from utkage.core.settings import (
    check_table,
    field_docs,
    field_types,
    parse_value,
    to_table,
    unknown_key,
)


@dataclass(frozen=True)
class Base:
    """Settings that others share."""

    count: int = 3
    """How many. There may be
    more lines, and `code`: with colons."""
    rate: float = 0.5
    """How fast."""


@dataclass(frozen=True)
class Sample(Base):
    """Settings of every type."""

    name: str = "a"
    """What it is called."""
    on: bool = True
    """Whether."""
    sides: tuple[int, ...] = (1, 2)
    # A comment is no documentation.
    """Any number of sides."""
    pair: tuple[float, float] = (0.9, 0.999)
    """Two of them."""
    mode: Literal["slow", "fast"] = "slow"
    """One of two."""
    limit: float | None = None
    """The most, or none."""
    hidden: int = field(default=0, init=False)


def test_docs_of_every_field() -> None:
    docs = field_docs(Sample)
    assert list(docs) == list(field_types(Sample))
    assert docs["count"] == "How many. There may be more lines, and `code`: with colons."
    assert docs["limit"] == "The most, or none."


def test_fields_without_docs_have_none() -> None:
    @dataclass
    class Bare:
        """Only the class is documented."""

        a: int = 0
        b: int = 1
        """The second."""

    assert field_docs(Bare) == {"b": "The second."}


def test_a_class_without_source_has_no_docs() -> None:
    assert field_docs(make_dataclass("Made", [("a", int)])) == {}


def test_tables_hold_plain_values() -> None:
    table = to_table(Sample())
    assert table["sides"] == [1, 2]
    assert "hidden" not in table
    assert Sample(**check_table(Sample, table, "x")) == Sample()


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("count", 3.0, "a whole number"),
        ("count", True, "a whole number"),
        ("count", "3", "a whole number"),
        ("count", 2**64, "a whole number"),
        ("rate", "fast", "a number"),
        ("rate", False, "a number"),
        ("rate", float("nan"), "a number"),
        ("rate", float("inf"), "a number"),
        ("rate", 10**400, "a number"),
        ("name", 3, "a string"),
        ("on", 1, "true or false"),
        ("on", "true", "true or false"),
        ("sides", 3, "a list of whole numbers"),
        ("sides", [1, 2.5], "a list of whole numbers"),
        ("sides", {"a": 1}, "a list of whole numbers"),
        ("pair", [1.0], "a list of 2 numbers"),
        ("mode", "quick", "one of slow, fast"),
        ("limit", "no", "a number or none"),
    ],
)
def test_wrong_types_are_named(key: str, value: object, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_table(Sample, {key: value}, "my.toml, [table]")
    shown = repr(value) if len(repr(value)) <= 60 else f"{value!r:.60}..."
    assert str(caught.value) == f"my.toml, [table]: {key} = {shown}: must be {wanted}"


def test_whole_numbers_are_numbers_and_lists_become_tuples() -> None:
    checked = check_table(Sample, {"rate": 1, "pair": [0, 1], "sides": [], "limit": 2}, "x")
    assert checked == {"rate": 1.0, "pair": (0.0, 1.0), "sides": (), "limit": 2.0}
    assert [type(value) for value in (checked["rate"], *checked["pair"])] == [float] * 3


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("count", " 7 ", 7),
        ("rate", "1e-4", 1e-4),
        ("rate", "3", 3.0),
        ("name", "plain text", "plain text"),
        ("name", "'quoted'", "quoted"),
        ("name", '"', '"'),
        ("on", "false", False),
        ("sides", "128,160", (128, 160)),
        ("sides", "[128, 160]", (128, 160)),
        ("sides", "96", (96,)),
        ("sides", "[]", ()),
        ("pair", "0.5,0.9", (0.5, 0.9)),
        ("mode", "fast", "fast"),
        ("limit", "none", None),
        ("limit", "4", 4.0),
    ],
)
def test_values_as_typed(key: str, text: str, value: object) -> None:
    assert parse_value(Sample, key, text, "x") == value


@pytest.mark.parametrize(
    ("key", "text", "wanted"),
    [
        ("count", "three", "a whole number"),
        ("count", "1.5", "a whole number"),
        ("rate", "nan", "a number"),
        ("on", "yes", "true or false"),
        ("sides", "1,b", "a list of whole numbers"),
        ("pair", "1,2,3", "a list of 2 numbers"),
    ],
)
def test_values_that_are_typed_wrongly(key: str, text: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"^--set it: must be {wanted}$"):
        parse_value(Sample, key, text, "--set it")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_as_typed_keep_every_bit(value: float) -> None:
    assert parse_value(Sample, "rate", repr(value), "x") == value


def test_unknown_keys_name_what_was_meant() -> None:
    assert unknown_key("epoch", ["epochs", "sizes"]) == (
        "there is no setting 'epoch'; the nearest is 'epochs'"
    )
    assert unknown_key("zzz", ["epochs", "sizes"]).endswith("there are epochs, sizes")
    assert unknown_key("flip", ["epochs"], {"[augmentation]": ["flip"]}) == (
        "'flip' is a setting of [augmentation]"
    )


def test_types_that_no_file_can_hold_are_the_programmers_fault() -> None:
    @dataclass
    class Odd:
        value: bytes = b""

    with pytest.raises(TypeError, match="bytes"):
        check_table(Odd, {"value": "x"}, "x")
