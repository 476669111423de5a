from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images import tiff_limits
from utkage.images.tiff_limits import require_few_strips


def pages(count: int, **options: object) -> bytes:
    images = [Image.new("L", (8, 8), number) for number in range(count)]
    buffer = io.BytesIO()
    images[0].save(buffer, "TIFF", save_all=True, append_images=images[1:], **options)
    return buffer.getvalue()


@pytest.mark.parametrize("big", [False, True])
def test_pages_are_counted(monkeypatch: pytest.MonkeyPatch, big: bool) -> None:
    content = pages(4, big_tiff=big)
    require_few_strips(content)
    monkeypatch.setattr(tiff_limits, "MOST_PAGES", 3)
    with pytest.raises(ImageError, match="more than 3 pages"):
        require_few_strips(content)


@pytest.mark.parametrize("order", ["<", ">"])
def test_strips_of_a_page_are_counted(order: str) -> None:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}HHHIII", 1, 273, 4, tiff_limits.MOST_STRIPS + 1, 0, 0)
    with pytest.raises(ImageError, match="a page has 400001 strips"):
        require_few_strips(mark + struct.pack(f"{order}I", 8) + directory)


def test_a_chain_of_pages_that_is_a_ring_ends() -> None:
    directory = struct.pack("<HHHIII", 1, 256, 4, 1, 8, 8)
    require_few_strips(b"II*\0" + struct.pack("<I", 8) + directory)


@pytest.mark.parametrize("content", [b"", b"II*\0", pages(1)[:60], b"II*\0\xff\xff\xff\xff"])
def test_files_that_end_early_are_left_to_the_decoder(content: bytes) -> None:
    require_few_strips(content)
