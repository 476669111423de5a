"""``utkage recipes``."""

from __future__ import annotations

from typing import Annotated

import typer

from utkage.cli.choices import completing, recipe_names
from utkage.cli.options import Debug, Json, Quiet
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table
from utkage.reporting.table import Table


def recipes_command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Recipe to print as TOML.",
            show_default="list all",
            autocompletion=completing(recipe_names),
        ),
    ] = None,
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the shipped training recipes, or print one as a start for your own.

    `utkage recipes best > mine.toml`, edit it, then `utkage train --config mine.toml`.
    """
    with session(quiet=quiet, debug=debug):
        from utkage.core.toml_file import parse_toml
        from utkage.training.recipes import shipped_recipe, shipped_recipes

        if name is not None:
            text = shipped_recipe(name).text
            if json_output:
                print_json(parse_toml(text))
            else:
                typer.echo(text.rstrip("\n"))
            return
        recipes = shipped_recipes()
        if json_output:
            print_json(
                [
                    {"name": r.name, "system": r.system, "purpose": r.purpose, "needs": r.needs}
                    for r in recipes
                ]
            )
            return
        rows = [(recipe.name, recipe.system, recipe.purpose) for recipe in recipes]
        print_table(Table.of("", ("recipe", "system", "purpose"), rows))
        # Below the table, whose cells would break the command into pieces.
        for recipe in recipes:
            if recipe.needs:
                typer.echo(f"{recipe.name} needs {recipe.needs}")
