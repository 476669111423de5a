from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from utkage.faces.any_direction import AnyDirectionDetector, is_well_formed
from utkage.faces.choice import open_detector, open_upright_detector
from utkage.faces.detector import Face, Search
from utkage.images.decode import load_image

EXAMPLES = Path(__file__).parents[2] / "examples"
UPRIGHT = Face((10, 10, 50, 60), 0.99, ((20, 25), (40, 25), (30, 35), (22, 45), (38, 45)))
INVERTED = Face((10, 10, 50, 60), 0.9, ((20, 45), (40, 45), (30, 35), (22, 25), (38, 25)))


@dataclass
class Scripted:
    """Finds one face where the picture is marked at the upper left, else ``otherwise``."""

    otherwise: Search
    sure_score: float = 0.985
    glances: list[tuple[int, ...]] = field(default_factory=list)

    def search(self, rgb: NDArray[np.uint8]) -> Search:
        return Search([UPRIGHT], 0.99) if rgb[:10, :10].mean() > 128 else self.otherwise

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return self.search(rgb).faces

    def glance(self, rgb: NDArray[np.uint8]) -> list[Face]:
        self.glances.append(rgb.shape)
        return self.detect(rgb)


def marked(height: int = 90, width: int = 120) -> NDArray[np.uint8]:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 3, : width // 3] = 255
    return rgb


def clockwise(rgb: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(rgb, -degrees // 90))


@pytest.mark.parametrize("otherwise", [Search([], 0.5), Search([INVERTED], 0.9)])
@pytest.mark.parametrize("turned", [90, 180, 270])
def test_coordinates_are_those_of_the_picture_as_given(turned: int, otherwise: Search) -> None:
    detector = AnyDirectionDetector(Scripted(otherwise))
    (face,) = detector.detect(clockwise(marked(), turned))
    assert face.rotated == 360 - turned
    # The same turn of an array of marks shows where each point has to be.
    for point, expected in zip(face.landmarks, UPRIGHT.landmarks, strict=True):
        dot = np.zeros((90, 120, 1), np.uint8)
        dot[int(expected[1]), int(expected[0])] = 1
        y, x, _ = np.argwhere(clockwise(dot, turned))[0]
        assert abs(point[0] - x) <= 1
        assert abs(point[1] - y) <= 1
    x0, y0, x1, y1 = face.box
    assert {x1 - x0, y1 - y0} == {40, 50}


def test_upright_pictures_and_those_without_any_hint_cost_nothing() -> None:
    for search, rgb in ((Search([], 0.1), clockwise(marked(), 90)), (Search([], 0.1), marked())):
        scripted = Scripted(search)
        AnyDirectionDetector(scripted).detect(rgb)
        assert scripted.glances == []


def test_trials_begin_with_a_reduced_picture() -> None:
    scripted = Scripted(Search([], 0.5))
    (face,) = AnyDirectionDetector(scripted).detect(clockwise(marked(900, 1200), 180))
    assert face.rotated == 180
    assert scripted.glances == [(320, 240, 3), (240, 320, 3), (320, 240, 3)]


def test_a_picture_without_better_directions_stays_as_it_is() -> None:
    detector = AnyDirectionDetector(Scripted(Search([INVERTED], 0.9)))
    assert detector.detect(np.zeros((80, 80, 3), np.uint8)) == [INVERTED]


def test_landmarks_of_upright_faces() -> None:
    assert is_well_formed(UPRIGHT)
    assert not is_well_formed(INVERTED)
    assert not is_well_formed(Face(UPRIGHT.box, 1.0, ((30, 30),) * 5))


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_real_faces_in_every_direction(turned: int) -> None:
    detector = open_detector("retinaface")
    pictures = [skimage.data.astronaut(), *(load_image(EXAMPLES / f"{n}.jpg") for n in _NAMES)]
    for rgb in pictures:
        upright = open_upright_detector("retinaface").detect(rgb)
        faces = detector.detect(clockwise(rgb, turned))
        assert len(faces) == len(upright)
        assert {face.rotated for face in faces} == {(360 - turned) % 360}


_NAMES = ("portrait", "couple", "family")
