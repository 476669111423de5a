from __future__ import annotations

import io

import pytest
from PIL import Image

from utkage.images.jpeg import has_one_scan


def saved(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (20, 20)).save(buffer, "JPEG", **options)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_baseline_files_have_one_scan(mode: str) -> None:
    assert has_one_scan(saved(mode))
    assert has_one_scan(saved(mode, comment=b"\xff\xc2 and \xff\xda inside of a comment"))
    assert not has_one_scan(saved(mode, progressive=True))


def test_markers_may_follow_fill_bytes() -> None:
    content = saved()
    assert has_one_scan(content[:2] + b"\xff\xff" + content[2:])


def test_a_scan_of_fewer_colours_is_one_of_several() -> None:
    content = bytearray(saved())
    start = content.index(b"\xff\xda")
    content[start + 4] = 1
    assert not has_one_scan(bytes(content))


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"no picture at all"])
def test_other_files_have_none(content: bytes) -> None:
    assert not has_one_scan(content)
