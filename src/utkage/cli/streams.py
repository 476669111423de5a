"""Stdin, stdout and stderr: closed, full, or in an encoding that lacks characters."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import Any, TextIO

from utkage.core.errors import UsageError

_CLOSED = "closed; redirect it to a file, or to /dev/null"


class ClosedStdout(io.TextIOBase):
    """Stands for a stdout that is closed: whatever is written raises an ``OSError``."""

    def write(self, text: str) -> int:
        """Raise an ``OSError`` that names stdout and what to do."""
        raise OSError(errno.EBADF, _CLOSED, "stdout")


class _Stdout(io.FileIO):
    """Stdout that names itself in errors, such as that of a full disk."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            error.filename = "stdout"
            raise


class _Stderr(io.FileIO):
    """Stderr whose reader may be gone: messages get lost, and the work goes on."""

    def write(self, content: Any) -> int:
        with contextlib.suppress(OSError):
            return super().write(content)
        return len(content)


def open_streams() -> None:
    """Prepare the streams of a process that runs one command.

    A file descriptor from 0 to 2 that is closed is opened on the null device; otherwise the next
    file to be opened would take its number, and receive what a library prints.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # Streams are None if their descriptor was closed when Python started.
    if sys.stdout is None:
        sys.stdout = ClosedStdout()
    elif os.name == "posix":
        sys.stdout = _reopened(_Stdout(1, "w", closefd=False), sys.stdout)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    elif os.name == "posix":
        sys.stderr = _reopened(_Stderr(2, "w", closefd=False), sys.stderr)


def _reopened(raw: io.FileIO, stream: TextIO) -> TextIO:
    """``raw`` as text, encoded and buffered as ``stream`` was."""
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=bool(stream.line_buffering),
        write_through=getattr(stream, "write_through", False),
    )


def require_stdout() -> None:
    """Refuse a closed stdout before any work is done.

    Raises:
        UsageError: stdout is closed.
    """
    if isinstance(sys.stdout, ClosedStdout):
        raise UsageError(f"stdout: {_CLOSED}")


def discard_stdout() -> None:
    """Drop what is written to stdout from now on, and what could not be written so far."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def escape_unknown_characters() -> None:
    """Make stdout and stderr escape characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def data_stdout() -> TextIO:
    """Stdout for CSV and JSON, which programs read as UTF-8 whatever the code page is."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return sys.stdout
