from __future__ import annotations

import time

import pytest

from utkage.core.errors import ImageError
from utkage.images.bounded_stream import BoundedStream


def test_it_reads_like_a_file() -> None:
    stream = BoundedStream(b"abcdef")
    assert (stream.read(2), stream.read(), stream.read()) == (b"ab", b"cdef", b"")
    stream.seek(1)
    assert stream.read(2) == b"bc"


def test_only_the_time_of_the_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "thread_time", lambda: now)
    stream = BoundedStream(b"abcdef", most_seconds=2.5)
    now = 7.5
    assert stream.read(2) == b"ab"
    now = 7.6
    with pytest.raises(ImageError, match=r"longer than 2\.5 s"):
        stream.read(2)
