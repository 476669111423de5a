from __future__ import annotations

import io

import pytest
from PIL import Image

from utkage.images.frames import frames_of, is_map_of


def opened(form: str, count: int, mode: str = "RGB") -> Image.Image:
    images = [Image.new(mode, (8, 8), 60 * number) for number in range(count)]
    buffer = io.BytesIO()
    images[0].save(buffer, form, save_all=True, append_images=images[1:])
    return Image.open(io.BytesIO(buffer.getvalue()))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_all_pictures_of_a_file(form: str) -> None:
    assert list(frames_of(opened(form, 3))) == [0, 1, 2]
    assert list(frames_of(opened(form, 1))) == [0]


def test_other_formats_have_one_picture() -> None:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "BMP")
    assert list(frames_of(Image.open(io.BytesIO(buffer.getvalue())))) == [0]


def test_thumbnails_are_left_out() -> None:
    image = opened("MPO", 3)
    kinds = ("Baseline MP Primary Image", "Large Thumbnail (VGA Equivalent)", "Undefined")
    image.mpinfo = {0xB002: [{"Attribute": {"MPType": kind}} for kind in kinds]}  # type: ignore[attr-defined]
    assert list(frames_of(image)) == [0, 2]


def test_a_grey_picture_in_a_coloured_file_is_a_map() -> None:
    grey, coloured = opened("MPO", 2, "L"), opened("MPO", 2)
    assert is_map_of(grey, "RGB")
    assert not is_map_of(grey, "L")
    assert not is_map_of(coloured, "RGB")
    assert not is_map_of(opened("TIFF", 2, "L"), "RGB")
