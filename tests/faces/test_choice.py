"""Detectors by name."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from utkage.core.errors import ConfigError
from utkage.faces.choice import check_detector, open_detector


@pytest.mark.parametrize("name", ["mtcnn", "yunet", "yunet:", ""])
def test_unknown_detectors(name: str) -> None:
    with pytest.raises(ConfigError, match="choose retinaface or yunet:FILE"):
        check_detector(name)


def test_small_faces_on_request() -> None:
    """A face of 24 pixels in a large picture, beside a large one: found if one asks for it."""
    import skimage.data

    astronaut = skimage.data.astronaut()
    picture = np.full((2400, 3600, 3), 127, np.uint8)
    picture[:2048, :2048] = cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(astronaut, (110, 110), interpolation=cv2.INTER_AREA)
    picture[2000:2110, 3000:3110] = small
    assert len(open_detector("retinaface").detect(picture)) == 1
    large, tiny = open_detector("retinaface", min_face=20).detect(picture)
    assert large.size > 10 * tiny.size
    assert 20 <= tiny.size < 40
    assert 3000 < tiny.box[0] < 3110
