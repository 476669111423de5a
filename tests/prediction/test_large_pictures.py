"""Pictures over the limit of pixels: rows are in the coordinates of the original picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage import Predictor
from utkage.core.errors import ConfigError
from utkage.images.objects import as_input
from utkage.prediction.predict import PredictRequest, predict
from utkage.prediction.rows import FaceRow

# 1280 x 800 pixels, of which a half in each direction are 256,000.
LIMIT = 300_000


@pytest.fixture(scope="module")
def family(examples: Path) -> Path:
    return examples / "family.jpg"


@pytest.fixture(scope="module")
def whole(family: Path) -> list[FaceRow]:
    return list(Predictor.shipped(flip=False, workers=1).predict(family))


@pytest.fixture(scope="module")
def reducing() -> Predictor:
    return Predictor.shipped(flip=False, workers=1, max_pixels=LIMIT)


def overlap(one: FaceRow, other: FaceRow) -> float:
    first, second = np.array(one.box).reshape(2, 2), np.array(other.box).reshape(2, 2)
    low, high = np.maximum(first[0], second[0]), np.minimum(first[1], second[1])
    common = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(box[1] - box[0])) for box in (first, second)]
    return common / (sum(areas) - common)


def assert_like(rows: list[FaceRow], expected: list[FaceRow]) -> None:
    assert len(rows) == len(expected)
    for row in rows:
        best = max(expected, key=lambda other: overlap(row, other))
        assert overlap(row, best) > 0.8
        assert row.landmarks is not None
        assert best.landmarks is not None
        assert np.abs(np.array(row.landmarks) - best.landmarks).max() < 8
        assert row.age is not None
        assert best.age is not None
        assert abs(row.age - best.age) < 12


def test_boxes_and_landmarks_are_those_of_the_original(
    family: Path, whole: list[FaceRow], reducing: Predictor
) -> None:
    assert_like(list(reducing.predict(family)), whole)


def test_an_upright_picture_by_exif(
    family: Path, whole: list[FaceRow], reducing: Predictor
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    with Image.open(family) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", exif=exif, quality=95)
    assert_like(list(reducing.predict(buffer.getvalue())), whole)


def test_the_same_row_through_each_door(family: Path, reducing: Predictor) -> None:
    content = family.read_bytes()
    with Image.open(family) as opened:
        doors = [family, content, io.BytesIO(content), opened, family.as_uri()]
        rows = [[row.to_dict() | {"file": ""} for row in reducing.predict(door)] for door in doors]
    assert len(rows[0]) == 7
    assert all(row == rows[0] for row in rows)


def test_crop_none_gives_the_box_of_the_original(family: Path) -> None:
    with Image.open(family) as image:
        square = np.asarray(image.crop((0, 0, 800, 800)))
    (row,) = Predictor.shipped(crop="none", flip=False, max_pixels=LIMIT).predict(square)
    assert row.box == (0, 0, 800, 800)


def test_annotated_copies_have_their_boxes_in_the_right_place(
    family: Path, tmp_path: Path, whole: list[FaceRow]
) -> None:
    request = PredictRequest(
        inputs=(str(family),),
        weights="shipped",
        flip=False,
        max_pixels=LIMIT,
        save_images=tmp_path / "copies",
        save_crops=tmp_path / "crops",
    )
    rows = list(predict(request))
    (copy,) = (tmp_path / "copies").iterdir()
    assert len(list((tmp_path / "crops").iterdir())) == len(rows) == len(whole)
    with Image.open(copy) as image:
        drawn = np.asarray(image).astype(int)
    assert drawn.shape == (400, 640, 3)
    plain = as_input(family).decode(LIMIT).pixels.astype(int)
    changed = np.abs(drawn - plain).max(axis=2) > 60
    for row in rows:
        assert row.box is not None
        x0, y0, x1, y1 = (round(value / 2) for value in row.box)
        # The left and right edges of the box are drawn, and what is inside is not.
        middle = slice(y0 + (y1 - y0) // 3, y1 - (y1 - y0) // 3)
        assert changed[middle, x0 - 2 : x0 + 3].any(axis=1).mean() > 0.7
        assert changed[middle, x1 - 2 : x1 + 3].any(axis=1).mean() > 0.7


def test_the_smallest_face_counts_in_pixels_of_the_original(
    family: Path, whole: list[FaceRow]
) -> None:
    boxes = np.array([row.box for row in whole])
    sizes = np.sort((boxes[:, 2:] - boxes[:, :2]).max(axis=1))
    least = (sizes[3] + sizes[4]) / 2
    rows = list(Predictor.shipped(flip=False, min_face=least, max_pixels=LIMIT).predict(family))
    assert len(rows) == len(sizes) - 4


def test_what_is_refused_says_how_to_raise_the_limit(family: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with Image.open(family) as image:
        image.save(path, compress_level=1)
    (row,) = Predictor.shipped(max_pixels=LIMIT).predict(path)
    assert row.status == "failed"
    assert row.reason is not None
    assert "1280 x 800 is over the limit of 300000 pixels" in row.reason
    assert "raise `max_pixels` to 512000 or more" in row.reason
    with pytest.raises(ConfigError, match="`max_pixels` 0: use 1 or more"):
        Predictor.shipped(max_pixels=0)
