"""Errors of settings name the setting, its value and what is possible."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from utkage.core.errors import ConfigError
from utkage.core.setting_checks import require, require_choice, require_number


@dataclass
class Sample:
    rate: float = 0.5
    mode: str = "slow"


def test_a_number_within_its_bounds() -> None:
    for bounds in ({"least": 0.5}, {"most": 0.5}, {"above": 0}, {"below": 1}, {}):
        require_number(Sample(), "rate", **bounds)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"least": 1}, "at least 1"),
        ({"above": 0.5}, "above 0.5"),
        ({"below": 0.5, "least": 0}, "at least 0 and below 0.5"),
        ({"above": 0, "most": 0.25}, "above 0 and at most 0.25"),
    ],
)
def test_a_number_out_of_bounds(bounds: dict[str, float], expected: str) -> None:
    with pytest.raises(ConfigError, match=rf"^rate is 0.5; it must be {expected}$"):
        require_number(Sample(), "rate", **bounds)


@pytest.mark.parametrize("bounds", [{"least": 0}, {"most": 0}, {"above": 0}, {"below": 0}])
def test_nan_is_within_no_bounds(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="rate is nan"):
        require_number(Sample(float("nan")), "rate", **bounds)


def test_names_of_a_registry() -> None:
    require_choice(Sample(), "mode", {"slow": 1, "fast": 2})
    with pytest.raises(ConfigError, match=r"^mode is slow; it must be fast, faster$"):
        require_choice(Sample(), "mode", ("fast", "faster"))


def test_any_condition() -> None:
    require(Sample(), "mode", True, "anything")
    with pytest.raises(ConfigError, match=r"^mode is slow; it must be even slower$"):
        require(Sample(), "mode", False, "even slower")
