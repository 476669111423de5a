"""Several labelled faces in one picture, as in Lagenda."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from utkage.data.labels import FaceLabel
from utkage.data.sources.face_boxes import crop_to_box
from utkage.data.sources.registry import open_source
from utkage.images.decode import load_image

Folder = Callable[[Path, Mapping[str, bytes]], Path]


def picture() -> bytes:
    """Black, with a red square at 10..30 and a green one at 60..90 of 100 x 80 pixels."""
    pixels = np.zeros((80, 100, 3), dtype=np.uint8)
    pixels[10:30, 10:30, 0] = 255
    pixels[40:70, 60:90, 1] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_each_face_is_cut_out_with_a_margin() -> None:
    found = load_image(crop_to_box(picture(), (10, 10, 30, 30), 10**6))
    assert found.shape == (36, 36, 3)
    assert (found[8:28, 8:28, 0] == 255).all()
    at_edge = load_image(crop_to_box(picture(), (60, 40, 90, 70), 10**6))
    assert at_edge.shape == (52, 52, 3)
    for content, box in ((b"no picture", (1, 1, 2, 2)), (picture(), (900, 1, 950, 40))):
        assert crop_to_box(content, box, 10**6) == content


def test_a_table_with_boxes_labels_every_face(tmp_path: Path, write_folder: Folder) -> None:
    header = "img_name,age,gender,face_x0,face_y0,face_x1,face_y1,body_x0\n"
    rows = "a.png,25,F,10,10,30,30,0\na.png,40,M,60,40,90,70,0\na.png,-1,-1,0,0,9,9,0\n"
    table = (header + rows + "b.png,7,M,1,1,20,20,0\n").encode()
    write_folder(tmp_path, {"lagenda.csv": table, "a.png": picture(), "b.png": picture()})
    entries = {entry.name: entry for entry in open_source(tmp_path).entries()}
    assert {name: entry.label for name, entry in entries.items()} == {
        "a.png#1.png": FaceLabel(25, 1),
        "a.png#2.png": FaceLabel(40, 0),
        "a.png#3.png": None,
        "b.png#1.png": FaceLabel(7, 0),
    }
    assert "age '-1'" in str(entries["a.png#3.png"].problem)
    assert load_image(entries["a.png#2.png"].content)[20, 20, 1] == 255


def test_boxes_are_those_of_the_picture_before_it_was_reduced() -> None:
    # Two pixels of the picture become one in each direction.
    found = load_image(crop_to_box(picture(), (10, 10, 30, 30), 4000))
    assert found.shape == (18, 18, 3)
    assert (found[4:14, 4:14, 0] == 255).all()
