"""``utkage evaluate`` as it is typed, when it cannot work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from one_line_errors import assert_one_line_error

Invoke = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--calibrate", "--weights", "shipped"], ["installation", "--out-weights"]),
        (["--calibrate", "--split", "test"], ["--split val"]),
        (["--out-weights", "x.safetensors"], ["--calibrate"]),
        (["--calibrate", "--weights", "shipped", "--out-weights", "."], ["is a folder"]),
    ],
)
def test_calibrations_that_cannot_be(
    invoke: Invoke, arguments: list[str], expected: list[str]
) -> None:
    assert_one_line_error(invoke("evaluate", *arguments), 2, *expected)


def test_evaluate_without_data(invoke: Invoke) -> None:
    assert_one_line_error(
        invoke("evaluate", "--weights", "shipped"), 2, "prepared", "utkage prepare"
    )
