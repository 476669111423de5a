"""Mutations of bytes, texts and JSON values, drawn from a ``Random``; each returns its name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Extreme numbers of several types, and numbers that are not finite.
NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 5, 117, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400),
    *(0.5, -0.0, 1e-320, 1e38, -1e38, 1e308, math.nan, math.inf, -math.inf),
)
TEXTS = (
    "",
    "x",
    "\ud800",
    "\x00",
    "\x1b[31m",
    "é" * 300,
    "../../x",
    "NaN",
    "1e999",
    "[/]",
    "\u202e",
)
_DEPTHS = (70, 1_200, 120_000)


def any_value(random: Random) -> Any:
    """A JSON value of any type."""
    return random.choice(
        (
            None,
            True,
            [],
            {},
            [[]],
            {"": None},
            [1, "x", None],
            list(range(100)),
            random.choice(NUMBERS),
            random.choice(TEXTS),
            random.choice(TEXTS),
        )
    )


def mutated_value(value: Any, random: Random) -> tuple[Any, str]:
    """A copy of a JSON value with one to three changes somewhere in it, and what they are."""
    copied = json.loads(json.dumps(value))
    changes = [_change(copied, random) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    return copied, "; ".join(changes)


def _change(value: Any, random: Random) -> str:
    place, path = value, ""
    while isinstance(place, (dict, list)) and place:
        key: Any = random.choice(list(place)) if isinstance(place, dict) else None
        if key is None:
            key = random.randrange(len(place))
        inner, path = place[key], f"{path}.{key}"
        if not (isinstance(inner, (dict, list)) and inner) or random.random() < 0.3:
            return f"{path} {_replace(place, key, random)}"
        place = inner
    return "nothing"


def _replace(place: Any, key: Any, random: Random) -> str:
    action = random.choice(("replace", "replace", "replace", "remove", "add", "wrap", "repeat"))
    if action == "remove":
        del place[key]
    elif action == "add" and isinstance(place, dict):
        place[random.choice(TEXTS)] = any_value(random)
    elif action == "wrap":
        place[key] = random.choice(([place[key]], {"x": place[key]}, str(place[key])))
    elif action == "repeat" and isinstance(place[key], list):
        place[key] = place[key] * random.choice((2, 1000))
    else:
        place[key] = any_value(random)
        return f"becomes {str(place[key])[:40]!r}"
    return action


def json_text(value: Any, random: Random) -> str:
    """JSON of a value, rarely with deep brackets or cut off."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.7)
    chance = random.random()
    if chance < 0.06:
        depth = random.choice(_DEPTHS)
        opened, closed = random.choice((("[", "]"), ('{"a":', "}")))
        deep = opened * depth + "1" + closed * depth
        return deep if random.random() < 0.5 else text.replace("null", deep, 1)
    if chance < 0.1:
        return text[: random.randrange(len(text) + 1)]
    return text


def mutated_bytes(content: bytes, random: Random, last: int | None = None) -> tuple[bytes, str]:
    """A copy with changed, removed or added bytes, among the first ``last``; and how."""
    changed = bytearray(content)
    end = min(len(changed), last or len(changed))
    if not end:
        return bytes(changed), "empty"
    action = random.choice(("flip", "flip", "cut", "insert", "erase", "zeros", "numbers", "repeat"))
    start = random.randrange(end)
    count = random.choice((1, 2, 8, 64, 1000))
    if action == "flip":
        for _ in range(count):
            changed[random.randrange(end)] = random.randrange(256)
    elif action == "cut":
        del changed[start:]
    elif action == "insert":
        changed[start:start] = random.randbytes(count)
    elif action == "erase":
        del changed[start : start + count]
    elif action == "zeros":
        changed[start : start + count] = bytes(len(changed[start : start + count]))
    elif action == "numbers":
        number = random.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1))
        changed[start : start + 8] = number.to_bytes(8, "little")
    else:
        changed[start:start] = changed[start : start + count] * random.choice((2, 50))
    return bytes(changed), f"{action} {count} at {start}"


def mutated_text(text: str, random: Random) -> tuple[bytes, str]:
    """A text file with a change that matters to readers of lines and cells, and what it is."""
    lines = text.splitlines()
    line = random.randrange(len(lines)) if lines else 0
    changes: dict[str, Callable[[], bytes]] = {
        "long cell": lambda: _with_line(lines, line, "x" * random.choice((131_073, 3_000_000))),
        "bytes that are not UTF-8": lambda: text.encode() + b"\xff\xfe\xe9,\x80\n",
        "zero bytes": lambda: _with_line(lines, line, "\x00,\x00"),
        "open quote": lambda: _with_line(lines, line, '"' + lines[line] if lines else '"'),
        "another encoding": lambda: text.encode(random.choice(("utf-16", "utf-32", "utf-7"))),
        "no lines": lambda: b"",
        "only the first line": lambda: "\n".join(lines[:1]).encode(),
        "a cell": lambda: _with_cell(lines, line, random),
        "lines twice": lambda: (text + text).encode(),
        "no line ends": lambda: text.replace("\n", "").encode(),
        "carriage returns": lambda: text.replace("\n", random.choice(("\r", "\r\r\n"))).encode(),
        "bytes": lambda: mutated_bytes(text.encode(), random)[0],
    }
    name = random.choice(list(changes))
    return changes[name](), name


def _with_line(lines: list[str], number: int, line: str) -> bytes:
    changed = [*lines[:number], line, *lines[number + 1 :]]
    return "\n".join(changed).encode("utf-8", "surrogatepass")


def _with_cell(lines: list[str], number: int, random: Random) -> bytes:
    if not lines:
        return b""
    cells = lines[number].split(",")
    value = random.choice((*NUMBERS, *TEXTS))
    cells[random.randrange(len(cells))] = str(value)[:400]
    return _with_line(lines, number, ",".join(cells))


def mutated_array(array: NDArray[Any], random: Random) -> tuple[NDArray[Any], str]:
    """An array with other values, another type or another shape, and what changed."""
    action = random.choice(("value", "value", "scale", "type", "shape", "empty", "all"))
    if action == "shape" and array.ndim:
        return (array[:-1] if random.random() < 0.5 else array[None]), "shape"
    if action == "type":
        kind = random.choice(("float64", "float16", "int8", "int64", "uint8", "bool"))
        with np.errstate(all="ignore"):
            return array.astype(kind), kind
    if action == "empty":
        return np.empty((0, *array.shape[1:]), array.dtype), "empty"
    if not np.issubdtype(array.dtype, np.floating):
        return np.full(array.shape, random.choice((0, -1, 127))).astype(array.dtype), "filled"
    changed = np.array(array)
    number = random.choice((math.nan, math.inf, -math.inf, 3e38, -5.0, 0.0, 1e4, 1e-40))
    with np.errstate(all="ignore"):
        if action == "scale":
            return (changed * number).astype(array.dtype), f"times {number}"
        if action == "all":
            changed[...] = number
        else:
            changed.reshape(-1)[random.randrange(max(1, changed.size)) :][:1] = number
    return changed, f"{action} {number}"
