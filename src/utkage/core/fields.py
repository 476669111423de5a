"""``Fields``: an object from JSON whose values are checked as they are read.

The readers of cards, crop contracts, prepared sets and rows use it, so that their errors have one
form: ``contract.size is "big"; it must be a whole number from 16 to 1024``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from utkage.core.json_text import LARGEST_INTEGER

_SHOWN = 40


@dataclass(frozen=True)
class Fields:
    """The values of an object by name.

    Every method takes the name of a value and raises a ``ValueError``, which names the place, if
    the value is missing or something else. Bounds are possible values themselves.

    Attributes:
        values: Content of the object.
        place: Name of the object within its file, for messages; empty for the file itself.
    """

    values: Mapping[str, Any]
    place: str = ""

    @classmethod
    def of(cls, value: Any, place: str = "") -> Fields:
        """The fields of ``value``, which must be an object."""
        if not isinstance(value, dict):
            raise ValueError(f"{place or 'it'} is {_shown(value)}; it must be an object")
        return cls(value, place)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """A text."""
        value: str = self._checked(name, "a text", lambda v: isinstance(v, str))
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """One of some texts."""
        expected = f"one of {', '.join(choices)}"
        value: str = self._checked(name, expected, lambda v: isinstance(v, str) and v in choices)
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value: bool = self._checked(name, "true or false", lambda v: isinstance(v, bool))
        return value

    def whole(self, name: str, least: int = 0, most: int = LARGEST_INTEGER) -> int:
        """A whole number."""
        expected = f"a whole number from {least} to {most}"
        # bool is a subclass of int in Python.
        value: int = self._checked(name, expected, lambda v: type(v) is int and least <= v <= most)
        return value

    def number(self, name: str, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number."""
        return float(
            self._checked(name, _numeric(least, most), lambda v: is_number(v, least, most))
        )

    def numbers(
        self,
        name: str,
        count: int | None = None,
        least: float = -math.inf,
        most: float = math.inf,
    ) -> tuple[float, ...]:
        """A list of finite numbers, of a length if ``count`` is given."""
        expected = f"a list of {'' if count is None else f'{count} '}numbers"
        values = self._checked(
            name,
            f"{expected}, each {_numeric(least, most)}",
            lambda value: (
                isinstance(value, (list, tuple))
                and count in (None, len(value))
                and all(is_number(item, least, most) for item in value)
            ),
        )
        return tuple(map(float, values))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(
            self._checked(
                name,
                "a list of texts",
                lambda v: isinstance(v, (list, tuple)) and all(isinstance(item, str) for item in v),
            )
        )

    def items(self, name: str) -> list[Any]:
        """A list of anything."""
        value: list[Any] = self._checked(name, "a list", lambda v: isinstance(v, (list, tuple)))
        return list(value)

    def table(self, name: str) -> dict[str, Any]:
        """An object of anything."""
        value: dict[str, Any] = self._checked(name, "an object", lambda v: isinstance(v, dict))
        return value

    def fields(self, name: str) -> Fields:
        """The fields of an object."""
        return Fields(self.table(name), self._path(name))

    def list_of_fields(self, name: str) -> list[Fields]:
        """The fields of each object in a list."""
        path = self._path(name)
        return [Fields.of(item, f"{path}[{place}]") for place, item in enumerate(self.items(name))]

    def _checked(self, name: str, expected: str, holds: Callable[[Any], bool]) -> Any:
        if name not in self.values:
            raise ValueError(f"{self._path(name)} is missing; it must be {expected}")
        value = self.values[name]
        if not holds(value):
            raise ValueError(f"{self._path(name)} is {_shown(value)}; it must be {expected}")
        return value

    def _path(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def is_number(value: object, least: float = -math.inf, most: float = math.inf) -> bool:
    """Whether a value is a finite number within bounds; true and false are no numbers."""
    if type(value) is int:
        return abs(value) <= LARGEST_INTEGER and least <= value <= most
    return type(value) is float and math.isfinite(value) and least <= value <= most


def _numeric(least: float, most: float) -> str:
    if least == -math.inf and most == math.inf:
        return "a finite number"
    if most == math.inf:
        return f"a number from {least:g} up"
    return f"a number from {least:g} to {most:g}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
