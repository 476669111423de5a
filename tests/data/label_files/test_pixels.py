"""Pictures that a table holds as numbers."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import LabelError
from utkage.data.label_files import read_label_file
from utkage.data.label_files.pixels import picture_of_pixels
from utkage.data.labels import FaceLabel
from utkage.images.decode import load_image


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_as_pixels(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, channels), dtype=np.uint8)
    text = " ".join(map(str, pixels.ravel()))
    table = (
        f"age,ethnicity,gender,img_name,pixels\n25,2,1,25_1_2_2016.jpg,{text}\n26,2,1,b.jpg,1 2\n"
    )
    good, bad = read_label_file(table.encode(), "age_gender.csv").rows
    assert (good.label, good.is_chip) == (FaceLabel(25, 1, 2), True)
    assert good.picture is not None
    assert bad.picture is not None
    decoded = load_image(good.picture())
    assert np.array_equal(decoded, np.broadcast_to(pixels, (48, 48, 3)))
    assert bad.picture() == b""


@pytest.mark.parametrize("text", ["1 2 3 4", "[1, 2, 3, 4]", "(1.0 2.4 3 3.6)"])
def test_spellings_of_a_list_of_numbers(text: str) -> None:
    with Image.open(io.BytesIO(picture_of_pixels(text)())) as image:
        assert np.asarray(image).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ["1 2", "1 2 3 x", "1 2 3 256", "-1 2 3 4", "nan 1 2 3", " "])
def test_other_texts_are_no_picture(text: str) -> None:
    assert picture_of_pixels(text)() == b""


def test_an_empty_cell_is_a_problem_of_its_row() -> None:
    with pytest.raises(LabelError, match="the pixels are missing"):
        picture_of_pixels("")
