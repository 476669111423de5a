"""TOML in and out: files that people write, and files that explain themselves."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utkage.core.errors import ConfigError

LINE = 100


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: there is no such file, or it is not TOML; the message names file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from error
    try:
        return parse_toml(content.decode("utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML ({error}); mend that place") from error


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: not TOML; the message says where.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    tables: dict[str, Any] = tomllib.loads(text)
    return tables


def toml_lines(table: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """Keys with plain values, one a line, each under its comment; None is left out.

    Args:
        table: Booleans, numbers, strings and lists of them; no tables.
        comments: Words to put above a key.
    """
    lines: list[str] = []
    for key, value in table.items():
        if value is None:
            continue
        words = (comments or {}).get(key, "")
        lines += textwrap.wrap(words, LINE, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{key} = {_inline(value)}")
    return "".join(f"{line}\n" for line in lines)


def toml_table(name: str, table: Mapping[str, Any]) -> str:
    """A table with all tables in it, under its name; None is left out."""
    import tomli_w

    return tomli_w.dumps({name: _without_none(table)})


def _inline(value: Any) -> str:
    import tomli_w

    if isinstance(value, (list, tuple)):
        # tomli_w gives every item a line of its own.
        return f"[{', '.join(_inline(item) for item in value)}]"
    return tomli_w.dumps({"key": value}).removeprefix("key = ").rstrip("\n")


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(item) for item in value if item is not None]
    return value
