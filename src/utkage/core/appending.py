"""Appending to a file or to stdout, whole or not at all."""

from __future__ import annotations

import os
import select
import stat
from typing import IO, Any


def append_whole(stream: IO[str], text: str) -> None:
    """Write a text at once; if that fails, as on a full disk, a plain file keeps no part of it.

    Raises:
        OSError: the text cannot be written.
    """
    raw: Any = getattr(getattr(stream, "buffer", None), "raw", None)
    # On Windows, the stream translates the ends of lines.
    if raw is None or os.name != "posix":
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    number = raw.fileno()
    before = os.fstat(number)
    encoding, errors = getattr(stream, "encoding", "utf-8"), getattr(stream, "errors", None)
    content = memoryview(text.encode(encoding, errors or "strict"))
    try:
        while content:
            written = raw.write(content)
            if written is None:
                # A pipe that does not wait until there is room.
                select.select([], [number], [])
            else:
                content = content[written:]
    except BaseException:
        if stat.S_ISREG(before.st_mode) and os.fstat(number).st_size > before.st_size:
            os.ftruncate(number, before.st_size)
        raise
