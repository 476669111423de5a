"""The same picture is the same pixels through every door, and what is no picture is refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError, UsageError
from utkage.images.decode import load_image
from utkage.images.inputs import open_inputs
from utkage.images.objects import as_input, pictures_of
from utkage.images.picture_input import PictureInput

torch = pytest.importorskip("torch")

# A program may leave it to Python to close its files.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def _sixteen_bit() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 65536, (20, 30), dtype=np.uint16))


def _turned() -> tuple[Image.Image, dict[str, Any]]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _colours(), {"exif": exif}


def _colours(mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


PICTURES: dict[str, Callable[[], tuple[Image.Image, dict[str, Any]]]] = {
    "plain": lambda: (_colours(), {}),
    "turned": _turned,
    "grey": lambda: (_colours("L"), {}),
    "grey, 16 bits": lambda: (_sixteen_bit(), {}),
    "transparent": lambda: (_colours("RGBA"), {}),
    "grey, transparent": lambda: (_colours("LA"), {}),
    "palette": lambda: (_colours().quantize(16), {}),
    "palette, transparent": lambda: (_colours().quantize(16), {"transparency": 3}),
    "one bit": lambda: (_colours("1"), {}),
}


class _Upload:
    """An upload of a web framework: it can only be read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


def _at_its_end(path: Path) -> io.BytesIO:
    stream = io.BytesIO()
    stream.write(path.read_bytes())
    return stream


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


DOORS: dict[str, Callable[[Path], Any]] = {
    "text": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "BytesIO at its end": _at_its_end,
    "open file": lambda path: path.open("rb"),
    "upload": lambda path: _Upload(path.read_bytes()),
    "Pillow": Image.open,
    "file URL": lambda path: path.as_uri(),
    "data URI": _data_uri,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_the_same_through_every_door(tmp_path: Path, kind: str, door: str) -> None:
    image, options = PICTURES[kind]()
    path = tmp_path / "a picture ä 像.png"
    image.save(path, **options)
    expected = load_image(path)
    assert np.array_equal(load_image(DOORS[door](path)), expected)
    (picture,) = pictures_of(DOORS[door](path))
    assert np.array_equal(picture.load(), expected)


def test_arrays_are_the_pixels_of_their_file(tmp_path: Path) -> None:
    grey, deep, clear = _colours("L"), _sixteen_bit(), _colours("RGBA")
    for image in (grey, deep, clear):
        path = tmp_path / "a.png"
        image.save(path)
        pixels = np.array(image)
        expected = load_image(path)
        assert np.array_equal(load_image(pixels), expected)
        if pixels.ndim == 2:
            assert np.array_equal(load_image(pixels[..., np.newaxis]), expected)
            assert np.array_equal(load_image(pixels.astype(pixels.dtype.newbyteorder())), expected)
    colours = np.array(_colours())
    deep_colours = colours.astype(np.uint16) << 8 | colours
    for same in (deep_colours, colours[:, ::-1][:, ::-1], np.asfortranarray(colours)):
        assert np.array_equal(load_image(same), colours)


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (np.zeros((4, 5, 3)), r"255 \* array"),
        (np.zeros((4, 5, 3), np.int64), "astype"),
        (np.zeros((3, 8, 9), np.uint8), "transpose"),
        (np.zeros((2, 4, 5, 3), np.uint8), "a list of such arrays"),
        (np.zeros((4, 5), bool), "uint8 RGB"),
    ],
)
def test_arrays_that_are_no_pictures_get_advice(array: np.ndarray, advice: str) -> None:
    with pytest.raises(ImageError, match=advice):
        load_image(array)


def test_a_pillow_image_is_left_as_it_was(tmp_path: Path) -> None:
    image, options = _turned()
    image.save(tmp_path / "a.png", **options)
    with Image.open(tmp_path / "a.png") as opened:
        load_image(opened)
        assert (opened.size, opened.getexif()[0x0112]) == ((30, 20), 6)


def test_damaged_pictures_fail_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "half.png"
    _colours().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    closed = path.open("rb")
    closed.close()
    for source, reason in (
        (Image.open(path), r"half\.png: damaged or truncated"),
        (closed, "cannot be read"),
        ("data:image/png;base64,@@", "damaged base64"),
        (io.StringIO("text"), "binary mode"),
        (io.BytesIO(), "the file is empty"),
    ):
        (picture,) = pictures_of(source)
        with pytest.raises(ImageError, match=reason):
            picture.load()


def test_an_empty_name_is_never_the_working_folder() -> None:
    with pytest.raises(UsageError, match="unset variable"):
        open_inputs(["a.jpg", ""])
    with pytest.raises(UsageError, match="unset variable"):
        as_input("")
    with pytest.raises(ImageError, match="empty name"):
        load_image("")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_list_of_paths_in_the_encodings_of_windows(encoding: str, ending: str) -> None:
    names = ["a.jpg", "folder/zwei ü 像.png"]
    listed = ending.join([names[0], "", " ", names[1], ""]).encode(encoding)
    inputs = open_inputs(["-"], stdin=io.BytesIO(listed))
    assert [picture.name for picture in inputs.pictures] == names


def test_a_list_may_hold_addresses_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    _colours().save(path)
    listed = f"{path.as_uri()}\n{_data_uri(path)}\n".encode()
    found = list(open_inputs(["-"], stdin=io.BytesIO(listed)).pictures)
    assert [picture.name for picture in found] == [str(path), "data:image/png;base64"]
    for picture in found:
        assert isinstance(picture, PictureInput)
        assert np.array_equal(picture.load(), load_image(path))
