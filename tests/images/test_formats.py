from __future__ import annotations

import io

import pytest
from PIL import Image

from utkage.images.formats import extension_fits, is_heif, is_picture


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "tif")],
)
def test_signatures_of_real_files(kind: str, suffix: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, kind)
    content = buffer.getvalue()
    assert is_picture(content)
    assert not is_heif(content)
    assert extension_fits(f"A.{suffix.upper()}", content)
    assert not extension_fits("a.webp", content)


def test_other_content() -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(8)
    assert is_heif(heic)
    assert is_picture(heic)
    assert is_picture(b"\0\0\0\x18ftypavif")
    assert not is_picture(b"/home/me/photo.jpg\n")
    assert extension_fits("anything.xyz", b"unknown")
