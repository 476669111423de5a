"""The bytes of a picture, from paths and open files, within a limit."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from utkage.core.errors import ImageError
from utkage.images import contents
from utkage.images.contents import read_path, read_stream, require_size


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_BYTES", 10)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"0123456789")
    assert read_path(tmp_path / "a.jpg", "a.jpg") == b"0123456789"


@pytest.mark.usefixtures("short")
def test_the_limit_is_inclusive(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"0123456789")
    assert len(read_path(path, "a")) == len(read_stream(io.BytesIO(path.read_bytes()))) == 10
    require_size(10, "a")
    path.write_bytes(b"0123456789+")
    with pytest.raises(ImageError, match=r"^a: is longer than"):
        read_path(path, "a")
    with pytest.raises(ImageError, match=r"^BytesIO: is longer than"):
        read_stream(io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.jpg", "^x: no such file; check the path"),
        ("folder", "^x: is a folder; name the pictures in it$"),
        ("a\0b", "^x: cannot be read .*; check the file"),
        ("fifo", "^x: is not a plain file"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="no such files there")
def test_paths_that_are_no_files(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ImageError, match=message):
        read_path(tmp_path / name, "x")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no open files by name")
def test_a_pipe_of_this_process_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"bytes")
    os.close(writing)
    try:
        assert read_path(Path(f"/dev/fd/{reading}"), "pipe") == b"bytes"
    finally:
        os.close(reading)


def test_a_stream_is_rewound() -> None:
    stream = io.BytesIO(b"picture")
    stream.read(3)
    assert read_stream(stream) == b"picture"


def test_an_upload_that_is_only_read_as_a_whole() -> None:
    class Upload:
        def read(self) -> memoryview:
            return memoryview(b"picture")

    assert read_stream(Upload()) == b"picture"


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (7, "^int is not a picture"),
        (io.StringIO("text"), "^StringIO gives str instead of bytes"),
    ],
)
def test_objects_that_give_no_bytes(stream: object, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_stream(stream)


def test_a_closed_file() -> None:
    stream = io.BytesIO(b"x")
    stream.close()
    with pytest.raises(ImageError, match=r"BytesIO cannot be read .*open the file again"):
        read_stream(stream)
