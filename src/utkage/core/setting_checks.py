"""Checks of settings, whose errors name the setting, its value and what is possible."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from _typeshed import DataclassInstance

# Small enough for every generator of random numbers.
LARGEST_SEED = 2**31 - 1


def require(config: DataclassInstance, name: str, holds: bool, expected: str) -> None:
    """Raise a ``ConfigError`` unless ``holds``; ``expected`` follows "it must be"."""
    if not holds:
        raise ConfigError(f"{name} is {getattr(config, name)}; it must be {expected}")


def require_choice(config: DataclassInstance, name: str, choices: Collection[str]) -> None:
    """Require one of some names, such as the keys of a registry; else raise a ``ConfigError``."""
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

    ``least`` and ``most`` are possible values themselves, ``above`` and ``below`` are not.

    Raises:
        ConfigError: a value is out of bounds.
    """
    bounds = (
        ("at least", operator.ge, least),
        ("above", operator.gt, above),
        ("at most", operator.le, most),
        ("below", operator.lt, below),
    )
    given = [(word, holds, bound) for word, holds, bound in bounds if bound is not None]
    expected = " and ".join(f"{word} {bound}" for word, _, bound in given)
    for name in names:
        value = getattr(config, name)
        require(config, name, all(holds(value, bound) for _, holds, bound in given), expected)


def texts_to_paths(settings: object, *names: str) -> None:
    """Turn texts in the fields ``names`` of a frozen dataclass into paths, for its own checks."""
    for name in names:
        value = getattr(settings, name)
        if isinstance(value, str):
            object.__setattr__(settings, name, Path(value))


def paths_to_texts(settings: object, name: str) -> None:
    """Turn the paths in a field of a frozen dataclass, which holds several inputs, into texts."""
    values = tuple(
        os.fspath(value) if isinstance(value, os.PathLike) else value
        for value in getattr(settings, name)
    )
    object.__setattr__(settings, name, values)
