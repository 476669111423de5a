"""Files that a decoder could work on for minutes are refused, or end in time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.fuzz import hostile_pictures
from utkage.core.errors import ImageError, UsageError
from utkage.images import bounded_stream, contents, several
from utkage.images.bounded_stream import BoundedStream
from utkage.images.decode import decode_image, load_image
from utkage.images.inputs import open_inputs
from utkage.images.piped import MOST_EMPTY_BYTES, Piped
from utkage.images.scans import MOST_SCANNED, count_scans, require_few_scans
from utkage.images.several import later_pictures
from utkage.images.tiff_limits import MOST_STRIPS, require_few_strips

SECONDS = 0.2


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let decoding take little time, so that a test of what takes long does not."""
    monkeypatch.setattr(BoundedStream.__init__, "__defaults__", (SECONDS,))
    monkeypatch.setattr(several, "MOST_SECONDS", SECONDS)


@pytest.mark.parametrize(
    "content",
    [
        lambda: hostile_pictures.jpeg_of_segments(1_000_000),
        lambda: hostile_pictures.png_of_chunks(400_000),
        lambda: hostile_pictures.gif_of_frames(1_000_000),
        lambda: hostile_pictures.bmp_of_runs(4_000_000, 3_000),
        lambda: hostile_pictures.ppm_of_digits(1_000),
    ],
)
@pytest.mark.usefixtures("short")
def test_decoding_in_many_small_steps_ends(content: Callable[[], bytes]) -> None:
    hostile = content()
    started = time.thread_time()
    with pytest.raises(ImageError, match=r"longer than 0.2 s.*save it again"):
        load_image(hostile)
    assert time.thread_time() - started < 10 * SECONDS


def test_photographs_are_far_from_the_limit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3_000, 4_000, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", progressive=True)
    started = time.thread_time()
    load_image(buffer.getvalue())
    assert time.thread_time() - started < bounded_stream.MOST_SECONDS / 2


def test_scans_are_counted_before_decoding() -> None:
    content = hostile_pictures.jpeg_of_scans(3_000, 2_000)
    started = time.thread_time()
    with pytest.raises(ImageError, match=r"has more than 1000 scans of 2000 x 2000 pixels"):
        load_image(content)
    assert time.thread_time() - started < 1
    few = hostile_pictures.jpeg_of_scans(300, 200)
    assert load_image(few).shape == (200, 200, 3)


def test_only_the_scans_of_the_picture_itself_count() -> None:
    content = hostile_pictures.jpeg_of_scans(10, 200)
    usual = count_scans(content, 1_000)
    assert usual == content.count(b"\xff\xda") > 10
    assert count_scans(content, 3) == 3
    # Neither a thumbnail in a segment, nor bytes after the end, nor fill bytes, nor restart marks.
    segment = b"\xff\xe1" + (2 + 4_000).to_bytes(2, "big") + b"\xff\xda\0\2" * 1_000
    padded = b"\xff\xd8" + segment + b"\xff\xff\xff" + content[2:] + b"\xff\xda\0\2" * 1_000
    assert count_scans(padded, 1_000) == usual
    # What belongs to no segment is skipped, as decoders do.
    assert count_scans(content[:2] + b"garbage" + content[2:], 1_000) == usual
    side = int(MOST_SCANNED**0.5 / 20)
    require_few_scans(padded, side, side)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"x" * 99])
def test_damaged_jpegs_have_few_scans(content: bytes) -> None:
    assert count_scans(content, 9) <= 1


def test_directories_of_a_tiff_are_counted_before_they_are_read() -> None:
    with pytest.raises(ImageError, match=f"has {MOST_STRIPS + 1} strips"):
        load_image(hostile_pictures.tiff_of_strips(MOST_STRIPS + 1))
    with pytest.raises(ImageError, match="more than 20000 pages"):
        load_image(hostile_pictures.tiff_of_pages(20_001))
    # Pages that overlap, each with as many entries as there can be.
    content = b"II*\0\x08\0\0\0" + b"\xff\xff" * 400_000
    with pytest.raises(ImageError):
        load_image(content)
    assert load_image(hostile_pictures.encoded("TIFF", 50, 40)).shape == (40, 50, 3)
    pages = io.BytesIO()
    plain = Image.new("L", (40, 40))
    plain.save(pages, "TIFF", save_all=True, append_images=[plain] * 20, big_tiff=True)
    require_few_strips(pages.getvalue())
    assert decode_image(pages.getvalue()).several is not None


@pytest.mark.usefixtures("short")
def test_the_search_of_later_pictures_ends() -> None:
    content = hostile_pictures.animation("WEBP", 30, 200)
    found = 0
    for _ in later_pictures(content):
        found += 1
        ends = time.thread_time() + SECONDS / 4
        while time.thread_time() < ends:
            pass
    assert 0 < found < 10


def test_files_that_are_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = hostile_pictures.encoded("PNG", 40, 40)
    monkeypatch.setattr(contents, "MOST_BYTES", len(picture))
    path = tmp_path / "a.png"
    path.write_bytes(picture)
    assert load_image(path).shape == load_image(io.BytesIO(picture)).shape == (40, 40, 3)
    path.write_bytes(picture + b"\0")
    with pytest.raises(ImageError, match=r"a.png: is longer than"):
        load_image(path)
    with pytest.raises(ImageError, match="is longer than"):
        load_image(io.BytesIO(picture + b"\0"))
    with Path("/dev/zero").open("rb") as endless, pytest.raises(ImageError, match="is longer than"):
        load_image(endless)


class _Endless(io.RawIOBase):
    """A stream that gives the same bytes again and again, and counts them."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.given = 0

    def read1(self, size: int) -> bytes:
        self.given += len(self._content)
        return self._content

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        self.given += size
        return bytes(size)


def test_stdin_without_end_is_no_list() -> None:
    stream = _Endless(bytes(65_536))
    with pytest.raises(UsageError, match="not a list of paths"):
        list(Piped(stream).lines())  # type: ignore[arg-type]
    assert stream.given < 2 * MOST_EMPTY_BYTES + 65_536


def test_a_line_without_end_is_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utkage.images.piped.MOST_LINE_BYTES", 10_000_000)
    stream = _Endless(b"x" * 65_536)
    started = time.thread_time()
    with pytest.raises(UsageError, match="not a list of paths"):
        list(Piped(stream).lines())  # type: ignore[arg-type]
    assert time.thread_time() - started < 2


def test_a_picture_without_end_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utkage.images.piped.MOST_BYTES", 1_000_000)
    monkeypatch.setattr(contents, "MOST_BYTES", 1_000_000)
    stream = _Endless(hostile_pictures.encoded("PNG", 40, 40))
    (picture,) = open_inputs(["-"], stdin=stream).pictures  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="-: is longer than"):
        picture.decode()
    assert stream.given < 1_100_000


def test_many_empty_lines_before_a_path() -> None:
    lines = Piped(io.BytesIO(b"\n" * 1000 + b"a.jpg\r\n\r\nb.jpg\0c.jpg")).lines()
    assert list(lines) == [b"a.jpg", b"b.jpg", b"c.jpg"]
