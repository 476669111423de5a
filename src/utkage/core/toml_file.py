"""Reading and writing TOML, with a comment above each key."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utkage.core.errors import ConfigError

LINE = 100
MOST_BYTES = 16 * 1024**2
"""Largest size of a TOML file. A run's has 10 kB."""
DEEPEST = 32
"""Deepest nesting of tables and lists. A run's has three levels."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a TOML file; the message of a ``ConfigError`` contains file and line."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: is longer than {MOST_BYTES:,} bytes; name a TOML file")
    try:
        return parse_toml(content.decode("utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML ({error}); fix that line") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ValueError: not TOML, with the line; longer than ``MOST_BYTES``, or nested too deeply.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES:,} characters")
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _require_shallow(tables)
    return tables


def _require_shallow(tables: dict[str, Any]) -> None:
    level: list[Any] = [tables]
    for _ in range(DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    if level:
        raise ValueError(f"nested deeper than {DEEPEST} levels")


def toml_lines(table: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """Format keys with plain values, one per line, each under its comment; None is skipped.

    Values are booleans, numbers, strings and lists of them, not tables.
    """
    lines: list[str] = []
    for key, value in table.items():
        if value is None:
            continue
        comment = (comments or {}).get(key, "")
        lines += textwrap.wrap(comment, LINE, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{key} = {_inline(value)}")
    return "".join(f"{line}\n" for line in lines)


def toml_table(name: str, table: Mapping[str, Any]) -> str:
    """Format a named table with the tables in it; None is skipped."""
    import tomli_w

    return tomli_w.dumps({name: _without_none(table)})


def _inline(value: Any) -> str:
    import tomli_w

    if isinstance(value, (list, tuple)):
        # tomli_w puts every item on a line of its own.
        return f"[{', '.join(_inline(item) for item in value)}]"
    return tomli_w.dumps({"key": value}).removeprefix("key = ").rstrip("\n")


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(item) for item in value if item is not None]
    return value
