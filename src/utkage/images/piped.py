"""Stdin as bytes or lines, read as soon as they arrive."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

_CHUNK = 65536


class Piped:
    """The bytes of a stream that nothing else reads: whole, or by line (NUL also ends a line)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = b""
        self._rest = b""
        self._lines: deque[bytes] = deque()
        self._reads_lines = False
        self._ended = False

    def start(self, count: int) -> bytes:
        """The first ``count`` bytes, or fewer; later reads return them again.

        A whole line is returned without waiting for more, because its writer may be waiting for
        the prediction.
        """
        while len(self._start) < count and not self._ended:
            if b"\n" in self._start and not _readable(self._stream):
                break
            self._start += self._read()
        return self._start[:count]

    def whole(self) -> bytes:
        """All bytes."""
        return self._start + self._stream.read()

    def lines(self) -> Iterator[bytes]:
        """The lines, each as soon as it is complete."""
        self._reads_lines = True
        self._split(self._start)
        while self._lines or not self._ended:
            while self._lines:
                yield self._lines.popleft()
            if not self._ended:
                self._split(self._read())

    def ready(self) -> bool:
        """Whether the next line is available without waiting; True where that is unknown."""
        while self._reads_lines and not self._lines and not self._ended:
            if not _readable(self._stream):
                return False
            self._split(self._read())
        return True

    def _read(self) -> bytes:
        """The bytes that have arrived, at least one; empty at the end."""
        read1 = getattr(self._stream, "read1", None)
        content: bytes = read1(_CHUNK) if read1 else self._stream.readline()
        self._ended = not content
        return content

    def _split(self, content: bytes) -> None:
        *whole, self._rest = (self._rest + content).replace(b"\0", b"\n").split(b"\n")
        if self._ended:
            whole, self._rest = [*whole, self._rest], b""
        self._lines.extend(line for raw in whole if (line := raw.rstrip(b"\r")))


def _readable(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, TypeError):
        # Not a file of the system, or a system that cannot poll pipes.
        return True
