"""Checks of settings, whose errors name the setting, its value and what is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from _typeshed import DataclassInstance

# Small enough for every generator of random numbers.
LARGEST_SEED = 2**31 - 1


def require(config: DataclassInstance, name: str, holds: bool, expected: str) -> None:
    """Refuse the value of a setting unless ``holds``.

    Args:
        config: Holds the setting.
        name: The setting's field.
        holds: Whether its value is possible.
        expected: The possible values, to follow "it must be".

    Raises:
        ConfigError: the value is not possible.
    """
    if not holds:
        raise ConfigError(f"{name} is {getattr(config, name)}; it must be {expected}")


def require_choice(config: DataclassInstance, name: str, choices: Collection[str]) -> None:
    """Require one of some names, such as the keys of a registry.

    Raises:
        ConfigError: the value is none of them.
    """
    require(config, name, getattr(config, name) in choices, ", ".join(choices))


def require_number(
    config: DataclassInstance,
    *names: str,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> None:
    """Require that settings are numbers within bounds; NaN is within none.

    Args:
        config: Holds the settings.
        names: The settings' fields.
        least: Lower bound, included.
        most: Upper bound, included.
        above: Lower bound, excluded.
        below: Upper bound, excluded.

    Raises:
        ConfigError: a value is out of bounds.
    """
    bounds = {"at least": least, "above": above, "at most": most, "below": below}
    expected = " and ".join(
        f"{word} {bound}" for word, bound in bounds.items() if bound is not None
    )
    for name in names:
        value = getattr(config, name)
        holds = (
            (least is None or value >= least)
            and (above is None or value > above)
            and (most is None or value <= most)
            and (below is None or value < below)
        )
        require(config, name, holds, expected)
