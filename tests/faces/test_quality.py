"""Flags name why a prediction is weak, and are empty where it is not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.faces.alignment import box_to_chip, cut_chip, landmarks_to_chip
from utkage.faces.contract import UTKFACE_BOX, utkface_contract
from utkage.faces.quality import asymmetry, sharpness, weaknesses
from utkage.images.decode import load_image

CONTRACT = utkface_contract(160)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def sharp() -> Pixels:
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[35:195, 145:305])


def flags(chip: Pixels, scale: float = 1.0, shift: float = 0.0, nose: float = 0.0) -> list[str]:
    """Of a face that lies in a 400 x 400 picture at ``scale``, ``shift`` pixels to the left."""
    points = np.array(CONTRACT.template) * scale + [100 - shift, 100]
    points[2, 0] += nose * scale
    landmarks = tuple((float(x), float(y)) for x, y in points)
    to_chip = landmarks_to_chip(np.array(CONTRACT.template) * scale + [100 - shift, 100], CONTRACT)
    return list(weaknesses(chip, CONTRACT, landmarks, to_chip, (400, 400)))


def test_a_good_face_has_none(sharp: Pixels) -> None:
    assert flags(sharp) == []


def test_small(sharp: Pixels) -> None:
    assert flags(sharp, scale=0.3) == []
    assert flags(sharp, scale=0.2) == ["small"]


def test_blurred(sharp: Pixels) -> None:
    soft = cv2.GaussianBlur(sharp, (0, 0), 0.02 * 160).astype(np.uint8)
    assert flags(soft) == ["blurred"]
    assert flags(np.full_like(sharp, 90)) == ["blurred"]


def test_turned(sharp: Pixels) -> None:
    assert flags(sharp, nose=10) == []
    assert flags(sharp, nose=-20) == ["turned"]
    assert asymmetry(CONTRACT.template) < 1e-6


def test_cut_off(sharp: Pixels) -> None:
    assert flags(sharp, shift=120) == []
    assert flags(sharp, shift=160) == ["cut_off"]


def test_sharpness_does_not_depend_on_contrast(sharp: Pixels) -> None:
    pale = (sharp // 4 + 90).astype(np.uint8)
    assert sharpness(pale) == pytest.approx(sharpness(sharp), rel=0.05)


def test_averaged_faces_are_judged_by_their_detail(examples: Path) -> None:
    # Averages over many people are smooth; a picture is sharper than its own blur in any case.
    chip = load_image(examples / "faces" / "28-38_male.jpg")
    assert sharpness(chip) > 2 * sharpness(cv2.GaussianBlur(chip, (0, 0), 4).astype(np.uint8))


def test_a_box_lands_where_boxes_of_aligned_faces_lie() -> None:
    to_chip = box_to_chip((30.0, 60.0, 30 + 166.0, 60 + 236.0), CONTRACT)
    assert to_chip[:, :2] == pytest.approx(np.eye(2) * 0.8)
    corner = to_chip[:, :2] @ [30, 60] + to_chip[:, 2]
    assert corner == pytest.approx(np.array(UTKFACE_BOX[:2]) * 0.8)
    chip = cut_chip(np.full((400, 300, 3), 9, np.uint8), to_chip, CONTRACT)
    assert chip.shape == (160, 160, 3)
