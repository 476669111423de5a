from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from utkage.faces.detector import Face
from utkage.faces.flow import follow, motion_picture

FACE = Face(
    (175.0, 60.0, 275.0, 175.0),
    0.9,
    ((205.0, 100.0), (245.0, 100.0), (225.0, 120.0), (210.0, 140.0), (240.0, 140.0)),
)
CENTRE = (225.0, 117.5)


def moved(rgb: np.ndarray, degrees: float, scale: float, x: float, y: float) -> tuple:
    matrix = cv2.getRotationMatrix2D(CENTRE, degrees, scale)
    matrix[:, 2] += (x, y)
    size = (rgb.shape[1], rgb.shape[0])
    return cv2.warpAffine(rgb, matrix, size, borderMode=cv2.BORDER_REFLECT), matrix


@pytest.mark.parametrize(
    ("degrees", "scale", "x", "y"),
    [(0, 1, 6, -4), (4, 1, 0, 0), (0, 1.06, 0, 0), (-3, 0.95, -5, 3)],
)
@pytest.mark.parametrize("size", [512, 1400])
def test_a_face_is_taken_along(degrees: float, scale: float, x: float, y: float, size: int) -> None:
    astronaut = skimage.data.astronaut()
    after, matrix = moved(astronaut, degrees, scale, x, y)
    enlarged = size / 512
    pictures = [cv2.resize(rgb, (size, size)) for rgb in (astronaut, after)]
    box = tuple(value * enlarged for value in FACE.box)
    points = tuple((px * enlarged, py * enlarged) for px, py in FACE.landmarks)
    face = Face(box, FACE.score, points)  # type: ignore[arg-type]
    (before, factor), (now, _) = (motion_picture(rgb) for rgb in pictures)
    assert max(before.shape) <= 640
    (found,) = follow(before, now, factor, [face])
    assert found is not None
    expected = np.array(FACE.landmarks) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(np.array(found.landmarks) / enlarged, expected, atol=1.0)
    assert found.size == pytest.approx(face.size * scale, rel=0.02)
    assert found.score == face.score


def test_what_is_lost_is_said() -> None:
    before, scale = motion_picture(skimage.data.astronaut())
    other, _ = motion_picture(np.ascontiguousarray(skimage.data.astronaut()[::-1, ::-1]))
    flat = np.full_like(before, 90)
    assert follow(before, flat, scale, [FACE]) == [None]
    assert follow(before, other, scale, [FACE]) == [None]
    assert follow(before, other[:100], scale, [FACE]) == [None]
    assert follow(before, before, scale, []) == []


def test_each_face_goes_its_own_way() -> None:
    astronaut = skimage.data.astronaut()
    still, scale = motion_picture(np.concatenate([astronaut, astronaut], axis=1))
    gone, _ = moved(astronaut, 0, 1, 8, 0)
    now, _ = motion_picture(np.concatenate([astronaut, gone], axis=1))
    right = Face(
        (FACE.box[0] + 512, FACE.box[1], FACE.box[2] + 512, FACE.box[3]),
        0.8,
        tuple((x + 512, y) for x, y in FACE.landmarks),  # type: ignore[arg-type]
    )
    first, second = follow(still, now, scale, [FACE, right])
    assert first is not None
    assert second is not None
    assert first.box[0] == pytest.approx(FACE.box[0], abs=0.7)
    assert second.box[0] == pytest.approx(right.box[0] + 8, abs=1.0)
