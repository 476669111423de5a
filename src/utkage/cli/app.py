"""The command ``utkage``: a table from names to commands, one file per command."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from utkage import __version__
from utkage.cli.console import escape_unknown_characters
from utkage.cli.evaluate import evaluate_command
from utkage.cli.export import export_command
from utkage.cli.info import info_command
from utkage.cli.predict import predict_command
from utkage.cli.prepare import prepare_command
from utkage.cli.recipes import recipes_command
from utkage.cli.runs import runs_command
from utkage.cli.session import session
from utkage.cli.train import train_command
from utkage.core.errors import UsageError


class _Commands(TyperGroup):
    """The commands, which refuse empty arguments: paths would take them for the working folder."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        escape_unknown_characters()
        return super().main(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for before, argument in zip(["", *args], args, strict=False):
            is_unset = argument.startswith("--") and argument.find("=") == len(argument) - 1
            # Devices have an error of their own, which lists them.
            if (not argument.strip() and before != "--device") or is_unset:
                option = argument.rstrip("=") if is_unset else before
                where = f"the value of {option}" if option.startswith("-") else "an argument"
                with session():
                    raise UsageError(f"{where} is empty (an unset variable?); name a file or value")
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="utkage",
    cls=_Commands,
    help="Age and gender from faces, offline: train on UTKFace or your own labelled faces, and "
    "predict photographs and videos.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"utkage {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options that come before a command."""


app.command("prepare", epilog="Example: `utkage prepare UTKFace.tar.gz`")(prepare_command)
app.command("train", epilog="Example: `utkage train --epochs 50 --device cuda`")(train_command)
app.command("recipes", epilog="Example: `utkage recipes best`")(recipes_command)
app.command("runs", epilog="Example: `utkage runs --compare 20261124-0900 best`")(runs_command)
app.command("evaluate", epilog="Example: `utkage evaluate --plot-cm`")(evaluate_command)
app.command("predict", epilog="Example: `utkage predict photos/*.jpg`")(predict_command)
app.command("export", epilog="Example: `utkage export --format onnx --out faces.onnx`")(
    export_command
)
app.command("info", epilog="Example: `utkage info shipped`")(info_command)


def main() -> None:
    """Entry point of the console script."""
    app()
