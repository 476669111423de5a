"""Dataclasses of plain values as tables: reading, checking and typing of any settings.

Names, types, defaults and documentation all come from the dataclass itself, so files and the
command line accept a new field at once. Types may be ``bool``, ``int``, ``float``, ``str``,
``Literal`` of strings, tuples of these (``tuple[int, ...]`` or of fixed length), or None.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import inspect
import itertools
import math
import textwrap
import types
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

SCALARS = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
BOOLEANS = {"true": True, "false": False}
# TOML promises 64 bits.
LARGEST = 2**63 - 1
# Longest value in a message, characters.
_LONGEST_SHOWN = 60


def field_types(kind: type[DataclassInstance]) -> dict[str, Any]:
    """The type of each field, in the order of the class."""
    return dict(_init_types(kind))


@functools.cache
def _init_types(kind: type[DataclassInstance]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def field_docs(kind: type[DataclassInstance]) -> dict[str, str]:
    """The string literal under each field, with its white space collapsed; inherited ones too."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        docs |= _docs_in_source(base) if is_dataclass(base) else {}
    return {name: docs[name] for name in field_types(kind) if name in docs}


def to_table(config: DataclassInstance) -> dict[str, Any]:
    """The values by field name, tuples as lists: what JSON and TOML can hold."""
    values = {name: getattr(config, name) for name in field_types(type(config))}
    return {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}


def check_table(
    kind: type[DataclassInstance],
    table: Mapping[str, Any],
    where: str,
    elsewhere: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Any]:
    """Check the names and types in a table of a file; the dataclass checks ranges itself.

    Args:
        kind: The dataclass.
        table: Keys and values, as TOML gives them.
        where: File and table, for messages.
        elsewhere: Keys that belong to other places, by a name of the place.

    Raises:
        ConfigError: an unknown key, or a value of another type.
    """
    hints = field_types(kind)
    checked: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            raise ConfigError(f"{where}: {unknown_key(key, hints, elsewhere or {})}")
        checked[key] = _checked(hints[key], value, f"{where}: {key} = {_shown(value)}")
    return checked


def parse_value(kind: type[DataclassInstance], key: str, text: str, where: str) -> Any:
    """Parse the text typed for the field ``key``; ``where`` is the option, for messages.

    Strings need no quotes, lists no brackets: ``128,160``.

    Raises:
        ConfigError: the text is not a value of the field's type.
    """
    hint = field_types(kind)[key]
    return _checked(hint, _plain(hint, text.strip()), where)


def unknown_key(
    key: str, known: Collection[str], elsewhere: Mapping[str, Collection[str]] | None = None
) -> str:
    """A message that there is no setting ``key``, with the most similar names."""
    for place, keys in (elsewhere or {}).items():
        if key in keys:
            return f"{key!r} is a setting of {place}"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"there is no setting {key!r}; " + (
        f"the nearest is {near[0]!r}" if near else f"there are {', '.join(known)}"
    )


@functools.cache
def _docs_in_source(kind: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except OSError:
        # The program was installed without its source files.
        return {}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(doc.value.value.split())
        for field, doc in itertools.pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _checked(hint: Any, value: Any, where: str) -> Any:
    try:
        return _converted(hint, value)
    except ValueError:
        raise ConfigError(f"{where}: must be {_described(hint)}") from None


def _converted(hint: Any, value: Any) -> Any:
    """``value`` in its exact type (floats, tuples); a ``ValueError`` if it has another type."""
    too_large = type(value) is int and abs(value) > LARGEST
    if too_large or (type(value) is float and not math.isfinite(value)):
        raise ValueError(value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for option in arguments:
            with contextlib.suppress(ValueError):
                return _converted(option, value)
    elif origin is tuple:
        if isinstance(value, (list, tuple)):
            items = _item_types(arguments, len(value))
            return tuple(_converted(item, part) for item, part in zip(items, value, strict=True))
    elif origin is Literal:
        if value in arguments:
            return value
    elif hint is float and type(value) is int:
        return float(value)
    elif hint not in (*SCALARS, type(None)):
        raise TypeError(f"settings of the type {hint} are not supported; see core/settings.py")
    # bool is a subclass of int in Python, but true is not a number in a settings file.
    elif type(value) is hint:
        return value
    raise ValueError(value)


def _plain(hint: Any, text: str) -> Any:
    """The value that a file would contain for ``text``; the text itself if it has another type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if type(None) in arguments and text == "none":
            return None
        # Text fits every string, so strings come last.
        for option in sorted(arguments, key=lambda option: option is str):
            with contextlib.suppress(ValueError):
                return _converted(option, _plain(option, text))
        return text
    if origin is tuple:
        parts = [part.strip() for part in text.strip("[]").split(",") if part.strip()]
        items = _item_types(arguments, len(parts))
        if len(items) != len(parts):
            return text
        return [_plain(item, part) for item, part in zip(items, parts, strict=True)]
    if hint is bool:
        return BOOLEANS.get(text, text)
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            return text
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _item_types(arguments: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return (arguments[0],) * count
    return arguments


def _described(hint: Any) -> str:
    if hint in SCALARS:
        return SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is type(None):
        return "none"
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin is tuple:
        item = _described(arguments[0]).removeprefix("a ")
        many = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        return f"a list of {many}{item}s"
    return " or ".join(_described(option) for option in arguments)
