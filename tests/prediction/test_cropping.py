from __future__ import annotations

import json

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.faces.choice import open_detector
from utkage.faces.contract import utkface_contract
from utkage.faces.detector import Face
from utkage.prediction.cropping import Cropper

CONTRACT = utkface_contract(64)
PICTURE = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)


class TwoFaces:
    """Finds a large face that fills a chip of the contract, and a small one at the edge."""

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        large = tuple((x * 2 + 50, y * 2 + 20) for x, y in CONTRACT.template)
        small = tuple((x / 4 + 288, y / 4 + 80) for x, y in CONTRACT.template)
        return [
            Face((60.0, 20.0, 170.0, 140.0), 0.9, large),  # type: ignore[arg-type]
            Face((288.0, 80.0, 300.0, 96.0), 0.8, small),  # type: ignore[arg-type]
        ]


def test_aligned_faces_lie_where_the_contract_puts_them() -> None:
    faces, chips = Cropper(CONTRACT, TwoFaces()).cut(PICTURE)
    assert [face.score for face in faces] == [0.9, 0.8]
    assert [chip.shape for chip in chips] == [(64, 64, 3)] * 2
    expected = PICTURE[20:148, 50:178].reshape(64, 2, 64, 2, 3).mean((1, 3))
    np.testing.assert_allclose(chips[0], expected, atol=1.5)
    assert {"small", "cut_off"} <= set(faces[1].flags)


def test_boxes_and_the_largest_faces() -> None:
    faces, chips = Cropper(CONTRACT, TwoFaces(), by_box=True, max_faces=1).cut(PICTURE)
    assert len(faces) == len(chips) == 1
    aligned = Cropper(CONTRACT, TwoFaces(), max_faces=1).cut(PICTURE)[1]
    assert not np.array_equal(chips[0], aligned[0])


def test_pictures_that_are_chips() -> None:
    cropper = Cropper(CONTRACT, None)
    (face,), (chip,) = cropper.cut(PICTURE[:64, :64])
    assert face.box == (0, 0, 64, 64)
    assert (face.score, face.landmarks) == (None, ())
    assert np.array_equal(chip, PICTURE[:64, :64])
    with pytest.raises(ImageError, match="not square"):
        cropper.cut(PICTURE)
    with pytest.raises(ImageError, match="too small"):
        cropper.cut(PICTURE[:31, :31])


@pytest.mark.parametrize("by_box", [False, True])
@pytest.mark.parametrize("turned", [90, 180, 270])
def test_chips_of_rotated_pictures_are_upright(turned: int, by_box: bool) -> None:
    rgb = skimage.data.astronaut()
    cropper = Cropper(CONTRACT, open_detector("retinaface"), by_box)
    _, (upright,) = cropper.cut(rgb)
    (face,), (chip,) = cropper.cut(np.ascontiguousarray(np.rot90(rgb, -turned // 90)))
    assert (face.rotated, face.flags) == (360 - turned, ("rotated",))
    assert np.abs(chip.astype(float) - upright).mean() < 8


def test_a_saved_chip_is_not_cropped_twice() -> None:
    wide = utkface_contract(64, margin=0.25)
    chip = PICTURE[:96, :96]
    saved = json.dumps(wide.to_json())
    (face,), (same,) = Cropper(wide, None).cut(chip, saved)
    np.testing.assert_array_equal(same, chip)
    assert face.box == (0, 0, 96, 96)
    _, (middle,) = Cropper(CONTRACT, None).cut(chip, saved)
    np.testing.assert_array_equal(middle, chip[16:80, 16:80])
    # A description that is damaged, or that belongs to another picture, is ignored.
    for wrong in (None, "{", "7", json.dumps(wide.at_size(64).to_json())):
        (padded,) = Cropper(wide, None).cut(chip, wrong)[1]
        assert padded[:16].max() == 0
