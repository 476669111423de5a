from __future__ import annotations

import pytest

from utkage.core.errors import ImageError
from utkage.images.download import fetch, is_url


def test_an_address_gives_its_bytes(server: str, png: bytes) -> None:
    assert fetch(f"{server}/a.png") == png
    assert fetch(f"{server}/a.png", max_bytes=len(png)) == png


def test_downloads_that_fail(server: str) -> None:
    with pytest.raises(ImageError, match="404"):
        fetch(f"{server}/missing.png")
    with pytest.raises(ImageError, match="longer than 10 bytes"):
        fetch(f"{server}/a.png", max_bytes=10)
    with pytest.raises(ImageError, match="only http"):
        fetch("file:///etc/hostname")
    with pytest.raises(ImageError, match="cannot be reached"):
        fetch("http://127.0.0.1:1/a.png", timeout=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host/a.jpg", True),
        ("HTTP://host/a.jpg", True),
        ("ftp://host/a.jpg", False),
        ("host/http://a.jpg", False),
        ("a.jpg", False),
    ],
)
def test_addresses(text: str, expected: bool) -> None:
    assert is_url(text) is expected
