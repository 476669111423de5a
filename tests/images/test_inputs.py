"""What was typed becomes pictures: files, stdin, addresses; one loader for all of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError, UsageError
from utkage.images.decode import load_image
from utkage.images.inputs import open_inputs
from utkage.images.objects import as_input


def test_path_text_bytes_and_array_are_one_picture(tmp_path: Path, png: bytes) -> None:
    path = tmp_path / "bild ä 像.png"
    path.write_bytes(png)
    wanted = load_image(path)
    for source in (str(path), png, wanted):
        assert np.array_equal(as_input(source).load(), wanted)


def test_arrays_of_every_mode(png: bytes) -> None:
    grey = np.full((4, 5), 77, np.uint8)
    assert (load_image(grey) == 77).all()
    clear = np.zeros((4, 5, 4), np.uint8)
    assert (load_image(clear) == 255).all()
    for wrong in (np.zeros((4, 5, 2), np.uint8), np.zeros((4, 5, 3)), np.zeros((0, 5), np.uint8)):
        with pytest.raises(ImageError, match="uint8 RGB"):
            load_image(wrong)


def test_bytes_on_stdin(png: bytes) -> None:
    (picture,) = open_inputs(["-"], stdin=io.BytesIO(png)).pictures
    assert picture.name == "-"
    assert picture.load().shape == (20, 30, 3)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\0"])
def test_paths_on_stdin(ending: str) -> None:
    listed = ending.join(["one.jpg", "", "a folder/zwei ü.png", "3.jpg"])
    inputs = open_inputs(["first.jpg", "-"], stdin=io.BytesIO(listed.encode()))
    assert inputs.total is None
    names = [picture.name for picture in inputs.pictures]
    assert names == ["first.jpg", "one.jpg", "a folder/zwei ü.png", "3.jpg"]


def test_paths_on_stdin_are_read_as_they_are_needed() -> None:
    stream = io.BytesIO(b"".join(b"picture-%d.jpg\n" % number for number in range(10_000)))
    pictures = open_inputs(["-"], stdin=stream).pictures
    assert next(pictures).name == "picture-0.jpg"
    assert stream.tell() < 100_000 < len(stream.getvalue())


def test_stdin_that_is_empty_missing_or_named_twice() -> None:
    with pytest.raises(UsageError, match="empty"):
        list(open_inputs(["-"], stdin=io.BytesIO()).pictures)
    with pytest.raises(UsageError, match="needs stdin, which is closed"):
        open_inputs(["-"])
    with pytest.raises(UsageError, match="once"):
        open_inputs(["-", "-"], stdin=io.BytesIO(b"a.jpg"))


def test_addresses_need_permission() -> None:
    with pytest.raises(UsageError, match="`allow_download=True`"):
        open_inputs(["https://example.org/a.jpg"])
    listed = open_inputs(["-"], stdin=io.BytesIO(b"https://example.org/a.jpg\nb.jpg\n"))
    with pytest.raises(ImageError, match="`allow_download=True`"):
        next(listed.pictures).load()


def test_an_address_is_fetched(server: str) -> None:
    inputs = open_inputs([f"{server}/a.png", "b.jpg"], allow_download=True)
    assert inputs.total == 2
    assert next(inputs.pictures).load().shape == (20, 30, 3)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_formats_of_telephones(tmp_path: Path, kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    path = tmp_path / f"picture.{kind.lower()}"
    Image.new("RGB", (64, 48), (200, 40, 40)).save(path, kind)
    loaded = load_image(path)
    assert loaded.shape == (48, 64, 3)
    assert np.abs(loaded.astype(int) - [200, 40, 40]).max() < 12
