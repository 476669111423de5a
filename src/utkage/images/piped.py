"""A list that somebody else may still be writing: stdin, read as far as it has come."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

_CHUNK = 65536


class Piped:
    """Bytes of a pipe or file: whole, or line by line (NUL ends a line as well).

    Args:
        stream: Read by nobody else.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = b""
        self._rest = b""
        self._lines: deque[bytes] = deque()
        self._asked = False
        self._over = False

    def start(self, count: int) -> bytes:
        """The first ``count`` bytes, fewer of a shorter stream; they stay to be read.

        A line is given without waiting for more: whoever writes it may be waiting for an answer.
        """
        while len(self._start) < count and not self._over:
            if b"\n" in self._start and not _readable(self._stream):
                break
            self._start += self._read()
        return self._start[:count]

    def whole(self) -> bytes:
        """All of it."""
        return self._start + self._stream.read()

    def lines(self) -> Iterator[bytes]:
        """The lines, each as soon as its end has come."""
        self._asked = True
        self._split(self._start)
        while self._lines or not self._over:
            while self._lines:
                yield self._lines.popleft()
            if not self._over:
                self._split(self._read())

    def ready(self) -> bool:
        """Whether the next line can be had without waiting; true where nobody can tell."""
        while self._asked and not self._lines and not self._over:
            if not _readable(self._stream):
                return False
            self._split(self._read())
        return True

    def _read(self) -> bytes:
        """What has come, waiting for something; empty at the end."""
        read1 = getattr(self._stream, "read1", None)
        content: bytes = read1(_CHUNK) if read1 else self._stream.readline()
        self._over = not content
        return content

    def _split(self, content: bytes) -> None:
        *whole, self._rest = (self._rest + content).replace(b"\0", b"\n").split(b"\n")
        if self._over:
            whole, self._rest = [*whole, self._rest], b""
        self._lines.extend(line for raw in whole if (line := raw.rstrip(b"\r")))


def _readable(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, TypeError):
        # No file of the system, or a system that cannot say it of pipes.
        return True
