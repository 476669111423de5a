"""What the programs share: how a Typer application is run, and how a command line is shown."""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import typer

from utkage.core.errors import ExitCode, UtkageError

_LONGEST_COMMAND = 120


def new_app(doc: str | None) -> typer.Typer:
    """An application whose help is ``doc``."""
    return typer.Typer(help=doc, add_completion=False, pretty_exceptions_enable=False)


def run_app(app: typer.Typer, program: str, arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m <program>``; print an expected error as one line, return the exit code."""
    try:
        app(arguments, prog_name=f"python -m {program}")
    except SystemExit as done:
        return int(done.code or 0)
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    except FileNotFoundError as error:
        print(f"error: {error.filename}: no such file", file=sys.stderr)
        return int(ExitCode.FAILED)
    return 0


def shown_command(program: str) -> str:
    """This command line for a document: absolute paths lose their folders, long lines their end."""
    shown = [Path(each).name if Path(each).is_absolute() else each for each in sys.argv[1:]]
    line = shlex.join(["python", "-m", program, *shown])
    return textwrap.shorten(line, _LONGEST_COMMAND, placeholder=" ...")
