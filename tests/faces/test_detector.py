from __future__ import annotations

import pytest

from utkage.faces.detector import Face

LANDMARKS = ((14.0, 30.0), (26.0, 30.0), (20.0, 40.0), (15.0, 50.0), (25.0, 50.0))


@pytest.mark.parametrize(
    ("box", "size", "area"),
    [((10.0, 20.0, 30.0, 60.5), 40.5, 810.0), ((0.5, 1.0, 6.5, 3.0), 6.0, 12.0)],
)
def test_size_and_area_of_a_face(
    box: tuple[float, float, float, float], size: float, area: float
) -> None:
    face = Face(box, 0.9, LANDMARKS)
    assert (face.size, face.area) == (size, area)
