"""What the programs share: parsers with the module's docstring as help, and one-line errors."""

from __future__ import annotations

import argparse
import shlex
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from utkage.core.errors import ExitCode, UtkageError

_LONGEST_COMMAND = 120


def new_parser(program: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser for ``python -m <program>`` that prints ``doc`` as it is written."""
    return argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run_program(work: Callable[[], object]) -> int:
    """Call ``work``; print an expected error as one line and return its exit code."""
    try:
        work()
    except UtkageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    except FileNotFoundError as error:
        print(f"error: {error.filename}: no such file", file=sys.stderr)
        return int(ExitCode.FAILED)
    return 0


def shown_command(program: str, arguments: Sequence[str]) -> str:
    """A command line for a document: absolute paths lose their folders, long lines their end."""
    shown = [Path(each).name if Path(each).is_absolute() else each for each in arguments]
    line = shlex.join(["python", "-m", program, *shown])
    return textwrap.shorten(line, _LONGEST_COMMAND, placeholder=" ...")
