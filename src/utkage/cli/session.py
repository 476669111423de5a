"""The frame of every command: a reporter, one-line errors and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from utkage.cli.console import ConsoleReporter, print_line
from utkage.core.errors import ExitCode, UtkageError

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def session(*, quiet: bool = False, debug: bool = False) -> Iterator[ConsoleReporter]:
    """Run the body of a command; an error becomes one line on stderr and an exit code.

    With ``debug``, the traceback is printed as well.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if threading.current_thread() is threading.main_thread():
        # SIGTERM ends a command like Ctrl-C: unfinished files are removed, training is saved.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield ConsoleReporter(console, quiet=quiet)
    except typer.Exit:
        raise
    except KeyboardInterrupt as error:
        _print_error(console, "interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except BrokenPipeError:
        # The reader has closed stdout (`| head`), which is not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.DONE) from None
    except Exception as error:
        if debug:
            console.print_exception()
        _print_error(console, _message(error))
        code = error.exit_code if isinstance(error, UtkageError) else ExitCode.FAILED
        raise typer.Exit(code) from error


def _message(error: Exception) -> str:
    if isinstance(error, UtkageError):
        return str(error)
    if isinstance(error, OSError):
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    first_line = str(error).partition("\n")[0]
    advice = "run again with --debug and report what it shows"
    return f"unexpected {type(error).__name__}: {first_line}; {advice}"


def _print_error(console: Console, message: str) -> None:
    print_line(console, f"error: {' '.join(message.split())}", style="red")
