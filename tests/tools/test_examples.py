from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from retinaface import detect_faces

from utkage.faces.contract import UTKFACE_TEMPLATE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PICTURES = sorted(EXAMPLES.rglob("*.jpg"))
GROUPS = [
    f"{ages}_{gender}"
    for ages in ("0-4", "5-12", "18-25", "28-38", "45-58", "65-85")
    for gender in ("male", "female")
]
FACES_IN = {
    "portrait.jpg": 1,
    "couple.jpg": 2,
    "family.jpg": 7,
    "rotated.jpg": 1,
    "landscape.jpg": 0,
}


def upright(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def test_all_the_pictures_are_there() -> None:
    assert {path.name for path in EXAMPLES.glob("*.jpg")} == set(FACES_IN)
    stems = {path.stem for path in (EXAMPLES / "faces").glob("*.jpg")}
    assert stems == set(GROUPS)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_decodes_and_is_small(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "JPEG"
        if path.parent.name == "faces":
            assert picture.size == (200, 200)
    assert path.stat().st_size < 150_000


def test_the_folder_stays_under_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file()) < 2_000_000


def test_rotated_is_stored_sideways() -> None:
    with Image.open(EXAMPLES / "rotated.jpg") as picture:
        assert picture.getexif()[0x0112] == 6
        assert picture.width > picture.height
    height, width, _ = upright(EXAMPLES / "rotated.jpg").shape
    assert height > width


@pytest.mark.parametrize("name", FACES_IN)
def test_the_detector_finds_every_face_and_no_other(name: str) -> None:
    assert len(detect_faces(upright(EXAMPLES / name))) == FACES_IN[name]


@pytest.mark.parametrize("group", GROUPS)
def test_averaged_faces_lie_as_chips_do(group: str) -> None:
    face = upright(EXAMPLES / "faces" / f"{group}.jpg")
    (found,) = detect_faces(np.pad(face, ((60, 60), (60, 60), (0, 0))))
    points = np.array([(point.x - 60, point.y - 60) for point in found.landmarks])
    assert np.abs(points - np.array(UTKFACE_TEMPLATE)).max() < 12


def test_the_notes_name_every_face() -> None:
    notes = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in [*FACES_IN, *(f"| {group} |" for group in GROUPS)]:
        assert name in notes
