"""The command ``utkage``: a table from names to commands, one file per command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, get_args, get_type_hints

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from utkage import __version__
from utkage.cli.choices import TYPE_NAMES
from utkage.cli.session import session
from utkage.cli.streams import escape_unknown_characters
from utkage.core.errors import UsageError
from utkage.core.threads import prefer_passive_waiting

# The command ``NAME`` is the function ``NAME_command`` in the module ``NAME`` of this package, with
# _ for -.
_EXAMPLES = {
    "prepare": "utkage prepare UTKFace.tar.gz",
    "train": "utkage train --epochs 50 --device cuda",
    "recipes": "utkage recipes best",
    "runs": "utkage runs --compare 20261124-0900 best",
    "evaluate": "utkage evaluate --plot-cm",
    "audit-labels": "utkage audit-labels faces --weights shipped",
    "predict": "utkage predict photos/*.jpg",
    "manifest": "utkage manifest photos --out photos.jsonl",
    "export": "utkage export --format onnx --out faces.onnx",
    "serve": "utkage serve --port 8000",
    "info": "utkage info shipped",
    "doctor": "utkage doctor > report.md",
}


class _CommandTable(Mapping[str, Any]):
    """The commands by name; looking one up imports its module, listing the names imports none."""

    def __getitem__(self, name: str) -> Any:
        if name not in _EXAMPLES:
            raise KeyError(name)
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_EXAMPLES)

    def __len__(self) -> int:
        return len(_EXAMPLES)


@cache
def _command(name: str) -> Any:
    module = name.replace("-", "_")
    function = getattr(import_module(f"utkage.cli.{module}"), f"{module}_command")
    alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    alone.command(name, cls=_Command, epilog=f"Example: `{_EXAMPLES[name]}`")(function)
    command: Any = typer.main.get_command(alone)
    types = get_type_hints(function)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            # Recent versions of Typer show the type of an argument beside its name.
            parameter.display_type_rich = lambda ctx: None
        elif parameter.metavar is None:
            parameter.metavar = _type_name(types[parameter.name or ""])
    return command


def _type_name(kind: Any) -> str:
    """The word for the value of an option in its help; empty for a flag."""
    kinds = [kind, *(part for part in get_args(kind) if part is not type(None))]
    return next((TYPE_NAMES[each] for each in kinds if each in TYPE_NAMES), "VALUE")


class _Command(TyperCommand):
    """A command whose --help has no value."""

    def get_help_option(self, ctx: Any) -> Any:
        return _without_value(super().get_help_option(ctx))


def _without_value(option: Any) -> Any:
    if option is not None and option.metavar is None:
        option.metavar = ""
    return option


class _Commands(TyperGroup):
    """The commands, which refuse empty arguments: paths would take them for the working folder."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _CommandTable()

    def get_params(self, ctx: Any) -> Any:
        # All options before a command are flags.
        return [_without_value(parameter) for parameter in super().get_params(ctx)]

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Before any command imports PyTorch.
        prefer_passive_waiting()
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


def main() -> None:
    """Run the command line and end the process."""
    from utkage.cli.process import run_command

    run_command()
