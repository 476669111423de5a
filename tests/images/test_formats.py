from __future__ import annotations

import io
import sys

import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.decode import load_image
from utkage.images.formats import extension_fits, is_heif, is_picture, picture_format


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


@pytest.mark.parametrize(
    "text",
    [b"BMI and age\n" * 5, b"RIFF\0\0\0\0AVI LIST", b"P5.jpg\n", b"GIF8.jpg\n", b"MM/a.jpg\n"],
)
def test_paths_and_videos_do_not_begin_like_pictures(text: bytes) -> None:
    assert not is_picture(text)


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("JXL", b"\xff\x0a"),
        ("JXL", b"\0\0\0\x0cJXL \r\n\x87\n"),
        ("AVIF", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif"),
        ("HEIF", b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic"),
    ],
)
def test_a_missing_reader_is_named(
    kind: str, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert picture_format(start) == kind
    monkeypatch.delitem(Image.OPEN, kind, raising=False)
    for module in ("pillow_avif", "pillow_heif", "pillow_jxl"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImageError, match="need one more package; run: pip install"):
        load_image(start + bytes(40))
