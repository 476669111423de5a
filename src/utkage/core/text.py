"""Counts with their nouns."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "picture"), counted(7200, "face"), counted(2, "copy", "copies")
    ('1 picture', '7,200 faces', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
