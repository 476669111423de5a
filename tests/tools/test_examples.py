from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from retinaface import detect_faces

from tools.examples.__main__ import main
from tools.examples.averages import GROUPS, AverageFace, AverageOptions, leaning
from tools.examples.demo_set import make_demo_set
from tools.examples.pictures import face_table, make_faces
from tools.examples.scenes import paint_scene, scenes, write_scene
from tools.landmarks import symmetrised
from utkage.faces.contract import UTKFACE_TEMPLATE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PICTURES = sorted(EXAMPLES.rglob("*.jpg"))
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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[AverageFace]]:
    folder = tmp_path_factory.mktemp("examples")
    make_demo_set(EXAMPLES / "faces", folder / "chips", 150, seed=0)
    options = AverageOptions(minimum=3, keep=5, candidates=10, rounds=1, lean=0.12, score=0.9)
    return folder, make_faces(folder / "chips", folder, options)


def test_all_the_pictures_are_there() -> None:
    assert {path.name for path in EXAMPLES.glob("*.jpg")} == set(FACES_IN)
    stems = {path.stem for path in (EXAMPLES / "faces").glob("*.jpg")}
    assert stems == {group.name for group in GROUPS}


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


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_averaged_faces_lie_as_chips_do(group) -> None:
    face = upright(EXAMPLES / "faces" / f"{group.name}.jpg")
    (found,) = detect_faces(np.pad(face, ((60, 60), (60, 60), (0, 0))))
    points = np.array([(point.x - 60, point.y - 60) for point in found.landmarks])
    assert np.abs(points - np.array(UTKFACE_TEMPLATE)).max() < 12


def test_the_notes_name_every_face() -> None:
    notes = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in [*FACES_IN, *(f"| {group.name} |" for group in GROUPS)]:
        assert name in notes


def test_faces_are_averaged_from_made_chips(made: tuple[Path, Sequence[AverageFace]]) -> None:
    folder, faces = made
    assert [face.group for face in faces] == list(GROUPS)
    for face in faces:
        assert 3 <= face.used <= 5 <= face.seen
        with Image.open(folder / "faces" / f"{face.group.name}.jpg") as picture:
            assert picture.size == (200, 200)
        assert f"| {face.group.name} | {face.used} | {face.seen} |" in face_table(faces)


def test_a_scene_is_painted_from_made_faces(
    made: tuple[Path, Sequence[AverageFace]], tmp_path: Path
) -> None:
    scene = next(scene for scene in scenes() if scene.name == "rotated.jpg")
    faces = {face.group.name: face.pixels for face in made[1]}
    picture = paint_scene(scene, faces, seed=1)
    assert np.array_equal(picture, paint_scene(scene, faces, seed=1))
    write_scene(scene, picture, tmp_path / scene.name)
    assert upright(tmp_path / scene.name).shape == (scene.size[1], scene.size[0], 3)
    assert len(detect_faces(upright(tmp_path / scene.name))) == 1


def test_a_group_without_enough_chips_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pictures", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "0-4_male has 0 usable chips" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_impossible_minimum_is_a_wrong_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pictures", str(tmp_path), "--minimum", "0"]) == 2
    assert "minimum 0 is outside" in capsys.readouterr().err


def test_symmetric_landmarks_do_not_lean() -> None:
    points = symmetrised(
        np.array(UTKFACE_TEMPLATE) + np.array([[3, 1], [0, 0], [4, 0], [0, 2], [1, 0]])
    )
    assert leaning(points) == pytest.approx(0, abs=1e-6)
    turned = points.copy()
    turned[2, 0] += 16
    assert leaning(turned) > 0.15
