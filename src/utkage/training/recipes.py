"""``recipes``: the shipped recipes, and the recipe that a command line defines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError, UsageError
from utkage.core.toml_file import parse_toml, read_toml
from utkage.models.locate import run_path

if TYPE_CHECKING:
    from utkage.training.recipe import Recipe

# Default recipe of each system.
DEFAULTS = {"multitask": "default", "seed": "seed"}
CONFIG_NAME = "config.toml"
# Begins the second line of a recipe that needs something.
_NEEDS = "Needs: "
# At full width VGG-Face takes seconds per step on a CPU.
CPU_GENDER_WIDTH = 0.25


@dataclass(frozen=True)
class ShippedRecipe:
    """A recipe of the package.

    Attributes:
        purpose: Its purpose in one line.
        text: Its TOML file.
        needs: What it needs that is not in the package, and how to get it; or "".
    """

    name: str
    system: str
    purpose: str
    text: str
    needs: str = ""


def shipped_recipes() -> tuple[ShippedRecipe, ...]:
    """All recipes of the package, sorted by name. Imports no torch."""
    folder = files("utkage") / "recipes"
    recipes = (
        _shipped(item.name.removesuffix(".toml"), item.read_text(encoding="utf-8"))
        for item in folder.iterdir()
        if item.name.endswith(".toml")
    )
    return tuple(sorted(recipes, key=lambda recipe: recipe.name))


def shipped_recipe(name: str) -> ShippedRecipe:
    """One recipe of the package.

    Raises:
        UsageError: there is no recipe of this name.
    """
    recipes = {recipe.name: recipe for recipe in shipped_recipes()}
    if name not in recipes:
        near = difflib.get_close_matches(name, recipes, n=1)
        hint = f"the nearest is {near[0]}" if near else f"there are {', '.join(recipes)}"
        raise UsageError(f"there is no recipe named {name}; {hint}")
    return recipes[name]


def resolve_recipe(
    choice: str | None = None,
    *,
    assignments: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> Recipe:
    """The recipe that a command line defines.

    Later ones override earlier ones: ``choice``, ``assignments`` in their order, ``options``.

    Args:
        choice: Name of a shipped recipe, a TOML file, a run folder or its name below ``runs/``;
            None: the default recipe of the system.
        assignments: ``key=value``, as in ``--set``.
        options: Values of settings that have an option of their own, such as ``epochs``,
            ``sizes`` and ``system``; None is no value.
        device: Name of the device. On a CPU the gender model of the seed system is narrower,
            unless ``gender_width`` is given.

    Raises:
        ConfigError: an unknown key, a wrong type, an impossible value, no such file.
        DeviceError: no such device (seed system only).
    """
    from utkage.core.device import resolve_device
    from utkage.training.recipe import Recipe

    assignments = list(assignments)
    options = {key: value for key, value in (options or {}).items() if value is not None}
    system = options.pop("system", None) or _assigned_system(assignments)
    if system is not None and system not in DEFAULTS:
        raise ConfigError(f"`system` {system}: choose {' or '.join(DEFAULTS)}")
    tables, origin = _tables(choice or DEFAULTS[system or "multitask"])
    recipe = Recipe.from_tables(tables, origin)
    if system not in (None, recipe.system):
        raise ConfigError(
            f"`system` {system}: {origin} is for system {recipe.system}; leave one of them out"
        )
    changes: dict[str, Any] = dict(recipe.parse(assignment) for assignment in assignments)
    changes.update(_by_option(recipe, options))
    width = "training.gender_width"
    has_width = width in changes or "gender_width" in tables.get("training", {})
    if recipe.system == "seed" and not has_width and resolve_device(device).is_cpu:
        changes[width] = CPU_GENDER_WIDTH
    return recipe.changed(changes)


def _shipped(name: str, text: str) -> ShippedRecipe:
    first, second, *_ = (line.removeprefix("# ") for line in text.splitlines())
    needs = second.removeprefix(_NEEDS) if second.startswith(_NEEDS) else ""
    return ShippedRecipe(name, parse_toml(text)["system"], first, text, needs)


def _tables(choice: str) -> tuple[dict[str, Any], str]:
    """Tables of a shipped recipe, a file or a run folder, and its name in errors."""
    path = Path(choice)
    if path.name == choice and not path.suffix and not path.is_file():
        names = {recipe.name: recipe for recipe in shipped_recipes()}
        if choice in names:
            return parse_toml(names[choice].text), f"recipe {choice}"
        path = run_path(choice)
        if not path.is_dir():
            raise ConfigError(
                f"{choice}: no such file, recipe or run; there are the recipes {', '.join(names)}"
            )
    return read_toml(path / CONFIG_NAME if path.is_dir() else path), choice


def _assigned_system(assignments: Iterable[str]) -> str | None:
    given = [text.partition("=") for text in assignments]
    return next((v.strip(" \"'") for k, _, v in reversed(given) if k.strip() == "system"), None)


def _by_option(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as settings of the recipe's system."""
    from utkage.core.settings import field_types
    from utkage.training.recipe import TRAINING

    known = field_types(type(recipe.training))
    changes: dict[str, Any] = {}
    for name, value in options.items():
        if name in recipe.to_tables():
            changes[name] = value
            continue
        if name == "sizes" and "size" in known:
            if len(value) != 1:
                sizes = ",".join(map(str, value))
                raise ConfigError(f"`sizes` {sizes}: the {recipe.system} system takes one size")
            name, value = "size", value[0]
        if name not in known:
            system = recipe.system
            raise ConfigError(f"`{name}`: the {system} system has no such setting; leave it out")
        changes[f"{TRAINING}.{name}"] = value
    return changes
