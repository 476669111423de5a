"""JSON of files and streams: read within limits, and written without NaN or infinity.

Python's ``json`` reads and writes ``NaN`` and ``Infinity``, which are not JSON, and fails on deep
brackets with a ``RecursionError``. All JSON of this program goes through here.
"""

from __future__ import annotations

import json
import math
from typing import Any

# Longest text that is parsed, bytes or characters, unless a reader has a limit of its own.
LONGEST = 64 * 1024**2
# Deepest nesting of lists and objects. What this program writes has at most a dozen levels.
DEEPEST = 64
# Whole numbers have 64 bits, as in most programs.
LARGEST_INTEGER = 2**63


def parse_json(
    text: str | bytes,
    *,
    longest: int = LONGEST,
    surrogates: bool = False,
    keep_non_finite: bool = False,
) -> Any:
    r"""Parse JSON from a file or a stream.

    NaN and infinity, which former versions of this program wrote, become None.

    >>> parse_json('{"age": NaN, "box": [1, 1e999]}')
    {'age': None, 'box': [1, None]}

    Args:
        text: The text, or its bytes in UTF-8, UTF-16 or UTF-32.
        longest: Limit of its length.
        surrogates: Allow lone surrogates such as ``"\udce9"``, which stand for the bytes of file
            names in another encoding.
        keep_non_finite: Keep NaN and infinity, for readers that tell them from null.

    Raises:
        ValueError: not JSON, too long, nested too deeply, a whole number of more than 64 bits, or
            a lone surrogate.
    """
    if len(text) > longest:
        raise ValueError(f"longer than {longest:,} characters")
    try:
        if keep_non_finite:
            value = json.loads(text)
        else:
            value = json.loads(text, parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    _check(value, surrogates)
    return value


def json_text(value: Any, *, indent: int | None = None, ensure_ascii: bool = False) -> str:
    """Format a value as JSON; NaN and infinity become null.

    >>> json_text({"mae": float("nan"), "n": 3})
    '{"mae": null, "n": 3}'
    """
    try:
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    except ValueError:
        return json.dumps(
            without_non_finite(value), indent=indent, ensure_ascii=ensure_ascii, allow_nan=False
        )


def without_non_finite(value: Any) -> Any:
    """A copy of dictionaries, lists and tuples with None in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: without_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_non_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _not_finite(name: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _check(value: Any, surrogates: bool) -> None:
    # Level by level, because recursion would fail on what it is to find.
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        depth += 1
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                following.extend(item)
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
            elif isinstance(item, str):
                if not surrogates and not _is_encodable(item):
                    raise ValueError(f"a text with a lone surrogate, {ascii(item)[:60]}")
            elif type(item) is int and abs(item) > LARGEST_INTEGER:
                raise ValueError("a whole number of more than 64 bits")
        level = following


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
