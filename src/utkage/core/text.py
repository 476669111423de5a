"""Counts with their nouns, and texts of others made fit to print or to name files."""

from __future__ import annotations

import re

# Control characters, line and paragraph separators, changes of direction, and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "picture"), counted(7200, "face"), counted(2, "copy", "copies")
    ('1 picture', '7,200 faces', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def printable(text: str) -> str:
    r"""A text whose control characters are shown instead of sent to a terminal.

    >>> print(printable("red\x1b[31m.jpg"))
    red\x1b[31m.jpg
    """
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def encodable(text: str) -> str:
    """A text that UTF-8 can hold: bytes of names in another encoding become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_to_bytes(text: str, limit: int) -> str:
    """The beginning of a text that takes at most ``limit`` bytes in UTF-8."""
    return text.encode("utf-8", "backslashreplace")[:limit].decode("utf-8", "ignore")
