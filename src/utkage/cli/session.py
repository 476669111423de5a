"""What surrounds every command: a reporter, one-line errors, exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import typer

from utkage.cli.console import ConsoleReporter
from utkage.cli.option_names import as_options
from utkage.core.errors import ExitCode, UtkageError

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def session(*, quiet: bool = False, debug: bool = False) -> Iterator[ConsoleReporter]:
    """Run a command's body; deliberate errors become one line on stderr and an exit code.

    With ``debug`` errors keep their tracebacks.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if threading.current_thread() is threading.main_thread():
        # A polite kill ends like Ctrl-C: what is half written is removed, training is saved.
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield ConsoleReporter(console, quiet=quiet)
    except UtkageError as error:
        if debug:
            console.print_exception()
        _say(console, str(error))
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        _say(console, "interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.DONE) from None
    except OSError as error:
        if debug:
            console.print_exception()
        where = f"{error.filename}: " if error.filename else ""
        _say(console, f"{where}{error.strerror or error}")
        raise typer.Exit(ExitCode.FAILED) from error
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            console.print_exception()
        first_line = (str(error).splitlines() or [""])[0]
        _say(
            console,
            f"unexpected {type(error).__name__}: {first_line}; "
            "run again with --debug and report what it shows",
        )
        raise typer.Exit(ExitCode.FAILED) from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(console: Console, message: str) -> None:
    console.print(
        f"error: {' '.join(as_options(message).split())}",
        markup=False,
        highlight=False,
        style="red",
        soft_wrap=True,
    )
