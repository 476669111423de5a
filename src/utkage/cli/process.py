"""The process of a command: its signals and streams, and how it ends.

Nothing heavy is imported here, so that Ctrl-C has its handler before the command line is loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from utkage.cli.stop_limit import limit_stop_time
from utkage.cli.streams import discard_stdout, open_streams
from utkage.core.errors import ExitCode
from utkage.core.signals import Stopped, on_stop_signals, signal_again, stop_message

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Exit codes above this one are those of signals.
_STOPPED = 128
# Time for a destructor to end before the interrupt that it swallowed is raised again.
_AGAIN_SECONDS = 0.02


def run_command() -> None:
    """Run the command line with the arguments of the process, and exit with its code.

    A reader that closes stdout (``| head``) is no error: the exit code is 0. A stop signal ends the
    process at once before a command has started and after it has ended, and soon in between.
    """
    on_stop_signals(_leave)
    sys.excepthook = _report
    sys.unraisablehook = _raise_again
    open_streams()
    # Its pipe must not take the number of a closed stream.
    printed = limit_stop_time()
    code = _flushed(_run())
    if code > _STOPPED:
        printed()
        _leave_at_once(code)
    sys.exit(code)


def _run() -> int:
    from utkage.cli.session import print_error

    try:
        from typer.main import get_command

        from utkage.cli.app import app

        get_command(app)()
    except SystemExit as end:
        # Typer and rich exit with 1 when the reader of stdout is gone.
        if any(isinstance(error, BrokenPipeError) for error in _chain(end)):
            discard_stdout()
            return ExitCode.DONE
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except BrokenPipeError:
        discard_stdout()
    except Exception as error:
        print_error(error)
        return ExitCode.FAILED
    return ExitCode.DONE


def _flushed(code: int) -> int:
    """Write what is left of the output; the exit code if that fails."""
    from utkage.cli.session import print_error

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        # Any other code comes with an error of its own, often this one.
        if code in (ExitCode.DONE, ExitCode.SOME_INPUTS_FAILED):
            print_error(error)
            code = ExitCode.FAILED
        discard_stdout()
    return code


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _leave_at_once(code: int) -> None:
    """End a process that a signal has stopped, without waiting for the work of other threads.

    Whatever had to be saved or removed has been. A picture that is being decoded would hold the
    interpreter for seconds.
    """
    # Temporary files of libraries are removed here.
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def _leave(number: int, frame: FrameType | None) -> None:
    # There is nothing to save, and an exception in the middle of an import may be replaced.
    os.write(2, f"error: {stop_message(number)}\n".encode())
    os._exit(128 + number)


def _report(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print an error that C code reports itself, unless it is an interrupt, which follows."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


def _raise_again(unraisable: UnraisableHookArgs) -> None:
    """Interrupt again if a destructor swallowed the first interrupt; report other errors."""
    error = unraisable.exc_value
    if not isinstance(error, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    number = error.number if isinstance(error, Stopped) else signal.SIGINT
    threading.Timer(_AGAIN_SECONDS, signal_again, (number,)).start()
