from __future__ import annotations

import json
import math

import pytest

from utkage.core.json_text import DEEPEST, json_text, parse_json


def test_nan_and_infinity_become_null_on_both_ways() -> None:
    value = {"a": math.nan, "b": [1, -math.inf, {"c": (math.inf, 2.5)}], "n": 3}
    expected = {"a": None, "b": [1, None, {"c": [None, 2.5]}], "n": 3}
    text = json_text(value)
    assert json.loads(text, parse_constant=pytest.fail) == expected
    assert parse_json(json.dumps(value)) == expected
    assert parse_json("[1e999, -1e999, 1e308]") == [None, None, 1e308]
    assert math.isnan(parse_json("[NaN]", keep_non_finite=True)[0])


def test_ordinary_values_are_written_as_before() -> None:
    value = {"é": [1, 2.5, None, True, "x"]}
    assert json_text(value) == json.dumps(value, ensure_ascii=False)
    assert json_text(value, indent=2, ensure_ascii=True) == json.dumps(value, indent=2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested deeper"),
        ("[" * 1_000_000 + "]" * 1_000_000, "nested deeper"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested deeper than 64 levels"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "nested deeper"),
        ('{"a": "\\ud800"}', "lone surrogate"),
        ('{"\\udce9": 1}', "lone surrogate"),
        ("1" + "0" * 400, "64 bits"),
        ("[1, 18446744073709551616]", "64 bits"),
        ("1" + "0" * 5000, "digits"),
        ("{", "Expecting"),
        ("", "Expecting"),
        (b"\xff\xfe\xff", "decode"),
        ('"' + "x" * 100 + '"', "longer than 50"),
    ],
)
def test_what_cannot_be_read_is_a_value_error(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text, longest=50 if reason.startswith("longer") else 10**8)


def test_what_is_just_within_the_limits_is_read() -> None:
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(parse_json(deep)) == deep
    assert parse_json(str(2**63)) == 2**63
    assert parse_json('"\\udce9.jpg"', surrogates=True) == "\udce9.jpg"
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
