from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from utkage.core.fields import Fields, is_number

FIELDS = Fields(
    {
        "text": "x",
        "n": 3,
        "x": 2.5,
        "on": True,
        "list": [1, 2.5],
        "texts": ["a"],
        "table": {"inner": {"n": "no"}},
        "tables": [{"n": 1}, 5],
        "null": None,
    },
    "card",
)


def test_values_of_the_right_type_are_returned() -> None:
    assert FIELDS.text("text") == "x"
    assert FIELDS.choice("text", ("x", "y")) == "x"
    assert FIELDS.whole("n", 3, 3) == 3
    assert (FIELDS.number("n"), FIELDS.number("x", 2.5, 2.5)) == (3.0, 2.5)
    assert FIELDS.flag("on") is True
    assert FIELDS.numbers("list", 2, 1, 2.5) == (1.0, 2.5)
    assert FIELDS.texts("texts") == ("a",)
    assert "null" in FIELDS
    assert "other" not in FIELDS


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.text("n"), "card.n is 3; it must be a text"),
        (lambda f: f.choice("text", ("y",)), 'card.text is "x"; it must be one of y'),
        (lambda f: f.choice("list", ("y",)), r"card.list is \[1, 2.5\]; it must be one of y"),
        (lambda f: f.whole("on"), "card.on is true; it must be a whole number from 0 to"),
        (lambda f: f.whole("x"), "card.x is 2.5"),
        (lambda f: f.whole("n", 4, 9), "card.n is 3; it must be a whole number from 4 to 9"),
        (lambda f: f.number("on"), "card.on is true; it must be a finite number"),
        (lambda f: f.number("null"), "card.null is null"),
        (lambda f: f.number("x", 3), "a number from 3 up"),
        (lambda f: f.numbers("list", 3), "a list of 3 numbers"),
        (lambda f: f.numbers("list", least=2), "each a number from 2 up"),
        (lambda f: f.numbers("texts"), "a list of numbers"),
        (lambda f: f.texts("list"), "a list of texts"),
        (lambda f: f.flag("n"), "true or false"),
        (lambda f: f.table("list"), "an object"),
        (lambda f: f.items("table"), "a list"),
        (lambda f: f.text("gone"), "card.gone is missing; it must be a text"),
        (lambda f: f.fields("table").fields("inner").whole("n"), 'card.table.inner.n is "no"'),
        (lambda f: f.list_of_fields("tables"), r"card.tables\[1\] is 5; it must be an object"),
        (lambda f: Fields.of([1]), "it is .1.; it must be an object"),
    ],
)
def test_other_values_are_named_with_their_place(
    read: Callable[[Fields], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read(FIELDS)


def test_numbers_are_finite_and_have_64_bits() -> None:
    assert is_number(0)
    assert is_number(-1.5, -2, -1)
    for value in (float("nan"), float("inf"), 10**400, True, None, "1"):
        assert not is_number(value)
