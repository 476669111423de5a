"""Lists on a pipe: whatever the pieces that they come in, and without waiting for more."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from utkage.images.piped import Piped


class Pieces(io.BytesIO):
    """Gives what was written in pieces of given sizes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        super().__init__(content)
        self._sizes = iter(sizes)

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(next(self._sizes, 3))


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, int]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream:
        yield stream, writer


@given(
    st.lists(st.binary(max_size=8).map(lambda line: line.translate(None, b"\0\r\n"))),
    st.lists(st.integers(1, 20)),
    st.sampled_from([b"\n", b"\r\n", b"\0"]),
    st.booleans(),
    st.integers(0, 20),
)
def test_lines_do_not_depend_on_pieces(
    lines: list[bytes], sizes: list[int], ending: bytes, ended: bool, sniffed: int
) -> None:
    content = ending.join(lines) + (ending if ended else b"")
    # Marks of UTF-8 and UTF-16 are not part of a name, and a NUL after a dot is UTF-16.
    assume(content[:2] not in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb"))
    assume(b".\0" not in content)
    piped = Piped(Pieces(content, sizes))
    assert piped.start(sniffed) == content[:sniffed]
    assert list(piped.lines()) == [line for line in lines if line]
    assert piped.ready()


@given(st.binary(max_size=60), st.integers(0, 20))
def test_bytes_are_whole_after_their_start(content: bytes, sniffed: int) -> None:
    piped = Piped(io.BytesIO(content))
    assert piped.start(sniffed) == content[:sniffed]
    assert piped.whole() == content


def test_a_line_is_given_before_the_next_is_written(pipe: tuple[BinaryIO, int]) -> None:
    stream, writer = pipe
    piped = Piped(stream)
    assert piped.ready(), "nothing has been read yet"
    os.write(writer, b"a.jpg\n")
    assert piped.start(16) == b"a.jpg\n"
    lines = piped.lines()
    assert next(lines) == b"a.jpg"
    assert not piped.ready()
    os.write(writer, b"b.j")
    assert not piped.ready()
    os.write(writer, b"pg\nc.jpg\nd")
    assert piped.ready()
    assert [next(lines), next(lines)] == [b"b.jpg", b"c.jpg"]
    assert not piped.ready()
    os.close(writer)
    assert piped.ready()
    assert list(lines) == [b"d"]
