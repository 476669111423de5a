"""In a file of several pictures, the first one with a face is predicted."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from utkage import Predictor
from utkage.images.decode import decode_image, load_image


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.shipped(flip=False, workers=1)


@pytest.fixture(scope="module")
def portrait(examples: Path) -> Image.Image:
    return Image.fromarray(load_image(examples / "portrait.jpg")).resize((200, 240))


def saved(path: Path, *pictures: Image.Image) -> Path:
    options = {"lossless": True} if path.suffix == ".webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=200, **options)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif", ".mpo"])
def test_a_later_picture(
    tmp_path: Path, predictor: Predictor, portrait: Image.Image, suffix: str
) -> None:
    black = Image.new("RGB", portrait.size)
    green = Image.new("RGB", portrait.size, (0, 120, 0))
    path = saved(tmp_path / f"fade{suffix}", black, green, portrait, black)
    (row,) = predictor.predict(path)
    assert (row.status, row.frame, row.gender) == ("ok", 3, "female")
    assert "picture 3" in row.place_cells[0].text
    # The same through other doors.
    with Image.open(path) as opened:
        faces = list(predictor.predict([path.read_bytes(), opened]))
    assert [face.frame for face in faces] == [3, 3]
    (photo,) = predictor.photos(decoded_input(path), keep_images=True)
    assert photo.image is not None
    assert photo.image.mean() > 30


def decoded_input(path: Path) -> list:  # type: ignore[type-arg]
    from utkage.images.picture_input import named_input

    return [named_input(str(path))]


def test_maps_and_thumbnails_in_a_jpeg_are_no_pictures_of_their_own(
    tmp_path: Path, predictor: Predictor, portrait: Image.Image
) -> None:
    black = Image.new("RGB", portrait.size)
    (row,) = predictor.predict(saved(tmp_path / "map.mpo", black, portrait.convert("L")))
    assert row.status == "no_face"
    assert decode_image(tmp_path / "map.mpo").several is not None
    content = saved(tmp_path / "views.mpo", black, portrait).read_bytes()
    # The type of the second picture becomes "Large Thumbnail (VGA Equivalent)".
    entries = content.index(b"MPF\0")
    place = content.index(bytes.fromhex("00000300"), entries) + 16
    thumbnail = content[:place] + bytes.fromhex("01000100") + content[place + 4 :]
    assert decode_image(content).several is not None
    assert decode_image(thumbnail).several is None


def test_the_first_picture_and_none(
    tmp_path: Path, predictor: Predictor, portrait: Image.Image
) -> None:
    black = Image.new("RGB", portrait.size)
    green = Image.new("RGB", portrait.size, (0, 120, 0))
    (row,) = predictor.predict(saved(tmp_path / "first.gif", portrait, black))
    assert row.frame == 1
    (row,) = predictor.predict(saved(tmp_path / "none.gif", black, green))
    assert (row.status, row.frame, row.faces) == ("no_face", None, 0)
    (row,) = predictor.predict(saved(tmp_path / "one.gif", portrait))
    assert (row.status, row.frame) == ("ok", None)
