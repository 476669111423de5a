"""What programs may pass as pictures, and what they are called."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import UsageError
from utkage.images.objects import as_input, pictures_of

torch = pytest.importorskip("torch")

# A program may leave it to Python to close its files.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def _colours() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _data_uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_names_of_what_programs_pass(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    _colours().save(path)
    names = {
        str(path): [path, str(path), path.open("rb"), Image.open(path), path.as_uri()],
        "bytes": [path.read_bytes(), io.BytesIO(path.read_bytes())],
        "array": [np.array(_colours()), _colours()],
        "data:image/png;base64": [_data_uri(path)],
    }
    for name, sources in names.items():
        assert {picture.name for source in sources for picture in pictures_of(source)} == {name}


def test_pictures_without_a_name_are_called_by_their_index(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGB", (8, 8))
    image.save(path)
    sources = [path.read_bytes(), str(path), np.array(image), [image, io.BytesIO(b"x")]]
    names = ["bytes[0]", str(path), "array[2]", "array[3][0]", "bytes[3][1]"]
    assert [picture.name for picture in pictures_of(sources)] == names
    # Pictures of a list that is passed on keep their names.
    assert [picture.name for picture in pictures_of(list(pictures_of(sources)))] == names


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (torch.zeros((4, 5, 3), dtype=torch.uint8), r"torch\.Tensor is not a picture.*NumPy"),
        (torch.tensor(3), r"torch\.Tensor is not a picture"),
        ([torch.zeros(3)], r"torch\.Tensor is not a picture"),
        ({"a.jpg": b""}, "dict is not a picture; give its values"),
        ([1, 2], "int is not a picture"),
        (None, "NoneType is not a picture"),
        ("", "empty name"),
        (["a.jpg", " "], "empty name"),
    ],
)
def test_what_is_not_a_picture_is_named(source: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(pictures_of(source))


def test_a_column_of_paths_stands_for_its_pictures() -> None:
    for paths in (np.array(["a.jpg", "b.jpg"]), np.array(["a.jpg", "b.jpg"], dtype=object)):
        assert [picture.name for picture in pictures_of(paths)] == ["a.jpg", "b.jpg"]


def test_lists_of_lists_and_generators_are_opened_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    _colours().save(path)
    found = pictures_of(item for item in ([path, [path.read_bytes()]], np.array(_colours())))
    names = [str(path), "bytes[0][1][0]", "array[1]"]
    assert [picture.name for picture in found] == names


def test_an_open_file_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    _colours().save(path)
    with path.open("rb") as file:
        picture = as_input(file)
    path.unlink()
    assert np.array_equal(picture.load(), np.array(_colours()))


def test_an_object_without_a_name_is_called_after_its_kind() -> None:
    stream = io.BytesIO()
    _colours().save(stream, "PNG")
    stream.name = ""  # type: ignore[attr-defined]
    assert as_input(stream).name == "bytes"
    image = _colours()
    image.filename = b"folder/a.png"  # type: ignore[attr-defined]
    assert as_input(image).name == "array", "a name in bytes is none"
