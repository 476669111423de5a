"""``utkage info``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from utkage.cli.options import Debug, Json, Quiet
from utkage.cli.session import session


def info_command(
    target: Annotated[
        str,
        typer.Argument(
            help="shipped, auto (newest run, else shipped), a weights file, a run folder, or a "
            "prepared set."
        ),
    ] = "shipped",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show the card of weights, or what a prepared set holds."""
    with session(quiet=quiet, debug=debug):
        from utkage.workflows.info import describe

        description = describe(target)
        if json_output:
            typer.echo(json.dumps(description, indent=2, ensure_ascii=False))
        else:
            _print_card(description)


def _print_card(description: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, title=str(description.pop("kind")))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in description.items():
        table.add_row(name, Text(_in_words(value)))
    Console().print(table)


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(
            f"{name}: {', '.join(f'{k} {v}' for k, v in inner.items())}"
            if isinstance(inner, dict)
            else f"{name}: {_in_words(inner)}"
            for name, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, dict) for item in value):
            return "\n".join(", ".join(f"{k} {_in_words(v)}" for k, v in i.items()) for i in value)
        scalars = all(isinstance(item, (int, float)) for item in value)
        return (", " if scalars else "\n").join(_in_words(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
