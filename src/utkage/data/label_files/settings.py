"""What a user may say about a label file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from utkage.core.errors import ConfigError


@dataclass(frozen=True)
class LabelSettings:
    """What a user may say about a label file.

    Attributes:
        columns: Title of the column (or its place, from 1) by what it holds, such as
            ``{"path": "file", "age": "years", "gender": "sex"}``. Other columns are recognised.
        gender_coding: ``male`` or ``female`` by text, such as ``{"1": "male", "2": "female"}``;
            empty: words of several languages, and 0 male, 1 female.
        keep_columns: Names of the further columns to keep, also those that may identify persons;
            ``("none",)``: none; None: those that ``further_columns`` chooses.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    gender_coding: Mapping[str, str] = field(default_factory=dict)
    keep_columns: tuple[str, ...] | None = None


def parse_pairs(text: str, option: str) -> dict[str, str]:
    """Read pairs such as ``path=file,age=years``.

    Raises:
        ConfigError: a pair has no equals sign, or a key is repeated.
    """
    pairs: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value) or key in pairs:
            raise ConfigError(f"`{option}` {text}: give pairs such as a=b,c=d, each key once")
        pairs[key] = value
    return pairs
