from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from utkage.images import several
from utkage.images.decode import decode_image
from utkage.images.several import later_pictures


def saved(pages: list[Image.Image], form: str = "TIFF") -> bytes:
    buffer = io.BytesIO()
    pages[0].save(buffer, form, save_all=True, append_images=pages[1:])
    return buffer.getvalue()


def grey(*values: int) -> list[Image.Image]:
    return [Image.new("L", (30, 20), value) for value in values]


def test_pages_of_any_size_with_their_numbers() -> None:
    pages = [Image.new("L", (30 + 10 * n, 20), 80 * n) for n in range(3)]
    found = decode_image(saved(pages)).several
    assert found is not None
    later = list(later_pictures(found))
    assert [(number, page.pixels.shape[1]) for number, page in later] == [(2, 40), (3, 50)]
    assert [int(np.median(page.pixels)) for _, page in later] == [80, 160]


def test_a_file_of_one_picture_has_no_later_ones() -> None:
    content = saved(grey(7))
    assert decode_image(content).several is None
    assert list(later_pictures(content)) == []


def test_pictures_that_hardly_differ_are_skipped() -> None:
    content = saved(grey(0, 100, 101, 102, 160, 160))
    assert [number for number, _ in later_pictures(content)] == [2, 5]


def test_a_damaged_picture_ends_them() -> None:
    pages = [
        Image.fromarray(np.random.default_rng(n).integers(0, 256, (40, 40), dtype=np.uint8))
        for n in range(4)
    ]
    content = saved(pages)
    assert len(list(later_pictures(content))) == 3
    found = [number for number, _ in later_pictures(content[: len(content) * 3 // 5])]
    assert found in ([], [2])


def test_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(several, "MOST_PICTURES", 2)
    assert [number for number, _ in later_pictures(saved(grey(0, 50, 100, 150, 200)))] == [2, 3]
