"""The frame of every command: a reporter, one-line errors and exit codes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from utkage.cli.console import ConsoleReporter, print_line
from utkage.cli.streams import discard_stdout, require_stdout
from utkage.core.errors import ExitCode, UtkageError
from utkage.core.memory_errors import is_memory_error
from utkage.core.packages import explained
from utkage.core.signals import Stopped, raising_stop_signals, stop_message
from utkage.images.pillow_messages import silence_pillow

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def session(
    *, quiet: bool = False, debug: bool = False, prints: bool = True
) -> Iterator[ConsoleReporter]:
    """Run the body of a command; an error becomes one line on stderr and an exit code.

    With ``debug``, the traceback is printed as well. If the command ``prints`` its result, a closed
    stdout is refused before any work. SIGTERM and the like end a command as Ctrl-C does: unfinished
    files are removed, and training is saved.
    """
    from rich.console import Console

    console = Console(stderr=True)
    silence_pillow()
    with raising_stop_signals() as arrived:
        try:
            if prints:
                require_stdout()
            yield ConsoleReporter(console, quiet=quiet)
        except typer.Exit:
            raise
        except BrokenPipeError:
            # The reader has closed stdout (`| head`), which is not an error.
            discard_stdout()
            raise typer.Exit(ExitCode.DONE) from None
        except (KeyboardInterrupt, Exception) as error:
            if debug:
                console.print_exception()
            raise typer.Exit(_end(console, error, arrived())) from error


def _end(console: Console, error: BaseException, arrived: int) -> int:
    """Print the error, and return the exit code. ``arrived`` is the number of a signal, or 0."""
    number = error.number if isinstance(error, Stopped) else arrived
    # Libraries replace an interrupt in the middle of an import by an error of their own.
    if isinstance(error, KeyboardInterrupt) or number:
        number = number or signal.SIGINT
        print_line(console, f"error: {stop_message(number)}", style="red")
        return 128 + number
    if isinstance(error, ModuleNotFoundError):
        error = explained(error) or error
    print_error(error, console)
    return error.exit_code if isinstance(error, UtkageError) else ExitCode.FAILED


def print_error(error: BaseException, console: Console | None = None) -> None:
    """Print an error as one line on stderr."""
    from rich.console import Console

    message = " ".join(_message(error).split())
    print_line(console or Console(stderr=True), f"error: {message}", style="red")


def _message(error: BaseException) -> str:
    if isinstance(error, UtkageError):
        return str(error)
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "the working directory does not exist any more; change to another one"
    if isinstance(error, OSError):
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    if is_memory_error(error):
        return "out of memory; close other programs, or process less at once"
    first_line = str(error).partition("\n")[0]
    advice = "run again with --debug and report what it shows"
    return f"unexpected {type(error).__name__}: {first_line}; {advice}"
