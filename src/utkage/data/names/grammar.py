"""What a grammar of file names is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from utkage.data.labels import FaceLabel


@dataclass(frozen=True)
class NameGrammar:
    """How the pictures of a data set are named.

    Attributes:
        name: Name of the data set.
        example: A path that follows the grammar.
        parse: From a path with ``/`` to the label; raises ``LabelError`` for other paths.
        is_complete: Whether the names hold both age and gender.
    """

    name: str
    example: str
    parse: Callable[[str], FaceLabel]
    is_complete: bool = True
