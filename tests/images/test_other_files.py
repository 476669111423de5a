"""A file that is no picture is named for what it is."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from utkage.core.errors import ImageError
from utkage.images.decode import load_image


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.jpg"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (_zip(), "an archive"),
        (_tar(), "an archive"),
        (gzip.compress(b"a" * 100), "an archive"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "an SVG drawing"),
        (b"<svg>", "an SVG drawing"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"FUJIFILMCCD-RAW 0201", "a raw photograph"),
    ],
)
def test_what_it_is(content: bytes, kind: str) -> None:
    with pytest.raises(ImageError, match=f"^a.jpg: not a picture but {kind}.*; "):
        load_image(content, name="a.jpg")


@pytest.mark.parametrize("content", [gzip.compress(b"a")])
def test_no_test_is_named_after_its_bytes(content: bytes, request: pytest.FixtureRequest) -> None:
    """A compressed file holds the time, so that two workers would collect different tests."""
    assert content
    assert request.node.name == "test_no_test_is_named_after_its_bytes[content]"


def test_what_is_unknown() -> None:
    for content in (b"hello", b"\0" * 600, b"<?xml version='1.0'?><rss>"):
        with pytest.raises(ImageError, match="not a picture that can be read; use JPEG, PNG"):
            load_image(content)
