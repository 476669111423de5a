from __future__ import annotations

import numpy as np
import pytest

from tools.report.photographs import (
    CANVAS,
    DRAWN,
    WITHOUT_FACES,
    paste_at_random,
    pictures_without_faces,
)


@pytest.mark.parametrize("seed", range(6))
def test_a_pasted_chip_lies_where_it_says(seed: int) -> None:
    # Red left of the middle, green right of it, blue below both.
    chip = np.zeros((200, 200, 3), np.uint8)
    chip[:100, :100, 0] = chip[:100, 100:, 1] = chip[100:, :, 2] = 255
    own = paste_at_random(chip, np.random.default_rng(seed))
    assert own.picture.shape == (CANVAS[1], CANVAS[0], 3)
    assert 0.5 <= own.scale <= 3
    x, y = own.middle
    reach = 30 * own.scale
    for dx, dy, colour in ((-1, -1, 0), (1, -1, 1), (0, 1, 2)):
        pixel = own.picture[round(y + dy * reach), round(x + dx * reach)].astype(int)
        assert pixel[colour] > 200
        assert pixel.sum() - pixel[colour] < 60
    # Nothing of the chip beyond its corner, whatever the angle.
    far = 150 * own.scale
    if x + far < CANVAS[0]:
        outside = own.picture[round(y), round(x + far)]
        assert not (outside == [0, 255, 0]).all()


def test_pictures_without_a_face_are_pictures() -> None:
    found = list(pictures_without_faces())
    assert len(found) == len(WITHOUT_FACES) + DRAWN == 20
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in found)
