"""``utkage info``."""

from __future__ import annotations

from typing import Annotated

import typer

from utkage.cli.choices import completing
from utkage.cli.options import Debug, Json, Quiet
from utkage.cli.session import session
from utkage.cli.tables import print_json, print_table


def info_command(
    target: Annotated[
        str,
        typer.Argument(
            help="shipped, latest (the newest run below runs/), a weights file, a run folder or "
            "its name below runs/, or a prepared set.",
            autocompletion=completing(lambda: ("shipped", "latest"), paths=True),
        ),
    ] = "shipped",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show the card of weights, or the contents of a prepared set."""
    with session(quiet=quiet, debug=debug):
        from utkage.cli.card_tables import description_tables
        from utkage.models.describe import describe

        description = describe(target)
        if json_output:
            print_json(description, ensure_ascii=False)
        else:
            for table in description_tables(description):
                print_table(table)
