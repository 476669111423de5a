from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.report.jitter import displacement, displacements, on_canvas, random_placement
from utkage.data.chips import LabelledChips
from utkage.faces.contract import utkface_contract
from utkage.faces.detector import Face

CONTRACT = utkface_contract(100)
CHIP = np.full((100, 100, 3), 90, dtype=np.uint8)


class Knowing:
    """A detector that is told where the chip lies, and errs by a similarity of the chip."""

    def __init__(
        self, placed: NDArray[np.float64], degrees: float = 0, scale: float = 1, shift: float = 0
    ) -> None:
        angle, middle = math.radians(degrees), np.full(2, 50.0)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        points = (np.array(CONTRACT.template) - middle) @ (scale * turn).T + middle
        points = (points + np.array([shift, 0])) @ placed[:, :2].T + placed[:, 2]
        landmarks = tuple((float(x), float(y)) for x, y in points)
        self.face = Face((200, 200, 440, 440), 1.0, landmarks)  # type: ignore[arg-type]

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return [self.face]


def test_landmarks_without_error_displace_nothing() -> None:
    placed = random_placement(100, np.random.default_rng(0))
    found = displacement(Knowing(placed), CHIP, placed, CONTRACT)
    assert found == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_errors_of_landmarks_displace_the_crop_the_other_way() -> None:
    placed = random_placement(100, np.random.default_rng(1))
    found = displacement(Knowing(placed, degrees=5), CHIP, placed, CONTRACT)
    assert found == pytest.approx([-5, 0, 0, 0], abs=1e-9)
    found = displacement(Knowing(placed, scale=1.1), CHIP, placed, CONTRACT)
    assert found == pytest.approx([0, -math.log(1.1), 0, 0], abs=1e-9)
    found = displacement(Knowing(placed, shift=4), CHIP, placed, CONTRACT)
    assert found == pytest.approx([0, 0, -0.04, 0], abs=1e-9)


def test_a_face_elsewhere_is_not_the_chips() -> None:
    placed = random_placement(100, np.random.default_rng(2))
    detector = Knowing(placed)
    detector.face = Face((0, 0, 50, 50), 1.0, detector.face.landmarks)
    assert displacement(detector, CHIP, placed, CONTRACT) is None


def test_the_chip_lies_where_the_map_says() -> None:
    random = np.random.default_rng(3)
    for _ in range(10):
        placed = random_placement(100, random)
        canvas = on_canvas(CHIP, placed)[..., 0].astype(float)
        y, x = np.mgrid[0.5:640, 0.5:640]
        mass = canvas.sum()
        middle = np.array([(canvas * x).sum(), (canvas * y).sum()]) / mass
        np.testing.assert_allclose(middle, placed[:, :2] @ [50, 50] + placed[:, 2], atol=0.05)
        area = mass / 90
        assert area == pytest.approx(np.linalg.det(placed[:, :2]) * 100**2, rel=0.03)


def test_what_is_not_found_is_counted() -> None:
    class Blind:
        def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
            return []

    none = np.zeros(3, dtype=np.int64)
    names = ("a", "b", "c")
    pixels = np.stack([CHIP] * 3)
    faces = LabelledChips(
        pixels=pixels,
        rows=np.arange(3),
        sources=names,
        names=names,
        ages=none,
        genders=none,
        races=none,
        pixel_hashes=names,
        contract=CONTRACT,
    )
    rows = displacements(faces, Blind(), np.random.default_rng(0))
    assert rows.shape == (3, 4)
    assert np.isnan(rows).all()
