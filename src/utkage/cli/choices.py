"""Values that an option accepts, for its help and for the completion of shells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import escape, glob
from pathlib import Path
from typing import Any

# Shown for options without choices, by the type of their value; a flag has no value.
TYPE_NAMES = {bool: "", int: "N", float: "NUMBER", str: "NAME", Path: "PATH"}


def choices(*values: str, other: str = "") -> dict[str, Any]:
    """Settings of an option that takes one of some words, or ``other`` such as ``FILE``."""
    return {
        "metavar": "|".join([*values, *filter(None, [other])]),
        "autocompletion": completing(lambda: values, paths=bool(other)),
    }


def completing(
    values: Callable[[], Iterable[str]], *, paths: bool = False
) -> Callable[[str], list[str]]:
    """A function that completes the beginning of a word to one of ``values``, or to a path."""

    def complete(incomplete: str) -> list[str]:
        found = [value for value in values() if value.startswith(incomplete)]
        return found + (_paths(incomplete) if paths else [])

    return complete


def recipe_names() -> list[str]:
    """Names of the shipped recipes."""
    from utkage.training.recipes import shipped_recipes

    return [recipe.name for recipe in shipped_recipes()]


def backbone_names() -> list[str]:
    """Names of the backbones."""
    from utkage.models.registry import BACKBONES

    return list(BACKBONES)


def _paths(incomplete: str) -> list[str]:
    # Path.glob would drop the "./" that was typed.
    found = glob(f"{escape(incomplete)}*")  # noqa: PTH207
    return sorted(f"{path}/" if Path(path).is_dir() else path for path in found)
