"""Stdin as bytes or lines, read as soon as they arrive."""

from __future__ import annotations

import codecs
import select
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from utkage.core.errors import UsageError
from utkage.images.contents import MOST_BYTES

_CHUNK = 65536
MOST_LINE_BYTES = MOST_BYTES
"""Largest size of a line, which may be a ``data:`` URI."""
MOST_EMPTY_BYTES = 1024**2
"""Number of bytes without a line that holds anything, after which the stream is not a list."""


class Piped:
    """The bytes of a stream that nothing else reads: whole, or by line (NUL also ends a line)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._start = b""
        self._rest = bytearray()
        self._lines: deque[bytes] = deque()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._reads_lines = False
        self._ended = False
        # Bytes since the last line that holds anything.
        self._empty = 0

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
        """All bytes; one more than ``MOST_BYTES`` of a longer stream."""
        return self._start + self._stream.read(max(0, MOST_BYTES + 1 - len(self._start)))

    def lines(self) -> Iterator[bytes]:
        """The lines, each as soon as it is complete: UTF-16, as of PowerShell, becomes UTF-8.

        Raises:
            UsageError: the stream holds no lines, as ``/dev/zero``, or one without an end.
        """
        self._reads_lines = True
        encoding = _utf16(self._start)
        if encoding is not None:
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._split(self._start.removeprefix(codecs.BOM_UTF8))
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
        if self._decoder is not None:
            content = self._decoder.decode(content, self._ended).encode()
        content = content.replace(b"\0", b"\n")
        lines: list[bytes] = []
        if b"\n" in content or self._ended:
            *whole, rest = bytes(self._rest + content).split(b"\n")
            whole += [rest] if self._ended else []
            self._rest = bytearray(b"" if self._ended else rest)
            lines = [line for raw in whole if (line := raw.rstrip(b"\r"))]
            self._lines.extend(lines)
        else:
            self._rest += content
        self._empty = 0 if lines or self._rest else self._empty + len(content)
        if self._empty > MOST_EMPTY_BYTES or len(self._rest) > MOST_LINE_BYTES:
            raise UsageError("stdin is not a list of paths; give one path on each line")


def _utf16(start: bytes) -> str | None:
    """The kind of UTF-16 of a list of paths: it has a mark, or nearly every other byte is zero."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Names of one byte, separated by NUL, look like UTF-16, but pictures have a suffix.
    even, odd = start[::2], start[1::2]
    if b"." in even and odd.count(0) > 0.7 * len(odd) and not even.count(0):
        return "utf-16-le"
    if b"." in odd and even.count(0) > 0.7 * len(even) and not odd.count(0):
        return "utf-16-be"
    return None


def _readable(stream: BinaryIO) -> bool:
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, TypeError):
        # Not a file of the system, or a system that cannot poll pipes.
        return True
