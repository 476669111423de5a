from __future__ import annotations

import numpy as np

from tools.report.photographs import DRAWN, WITHOUT_FACES, pictures_without_faces


def test_pictures_without_a_face_are_pictures() -> None:
    found = list(pictures_without_faces())
    assert len(found) == len(WITHOUT_FACES) + DRAWN == 20
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in found)
