"""Counts with their nouns, and texts of others made fit to print or to name files."""

from __future__ import annotations

import re

# Control characters, line and paragraph separators, changes of direction, and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# Beginnings of cells that spreadsheets take for formulas.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "picture"), counted(7200, "face"), counted(2, "copy", "copies")
    ('1 picture', '7,200 faces', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def probability_text(probability: float, decimals: int = 0) -> str:
    """A predicted probability, 0..1, in per cent, which is never certain.

    >>> [probability_text(p) for p in (0.974, 0.997, 1.0, 0.0001)], probability_text(0.9996, 1)
    (['97%', '99.7%', '> 99.9%', '< 0.1%'], '> 99.9%')
    """
    if probability >= 0.9995:
        return "> 99.9%"
    if probability < 0.0005:
        return "< 0.1%"
    text = f"{probability:.{decimals}%}"
    return f"{probability:.1%}" if text in ("0%", "100%") else text


def printable(text: str) -> str:
    r"""A text whose control characters are shown instead of sent to a terminal.

    >>> print(printable("red\x1b[31m.jpg"))
    red\x1b[31m.jpg
    """
    return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def spreadsheet_safe(value: object) -> object:
    """A value of a CSV file that a spreadsheet does not take for a formula: ' precedes such text.

    >>> [spreadsheet_safe(value) for value in ("=1+1", "@SUM(A1)", "a.jpg", -3.5)]
    ["'=1+1", "'@SUM(A1)", 'a.jpg', -3.5]
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def encodable(text: str) -> str:
    """A text that UTF-8 can hold: bytes of names in another encoding become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_to_bytes(text: str, limit: int) -> str:
    """The beginning of a text that takes at most ``limit`` bytes in UTF-8."""
    return text.encode("utf-8", "backslashreplace")[:limit].decode("utf-8", "ignore")
