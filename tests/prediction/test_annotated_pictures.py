from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import ImageError, UsageError
from utkage.core.signals import is_saving, raising_stop_signals
from utkage.images.decode import load_image
from utkage.prediction import annotated_pictures as module
from utkage.prediction.annotated_pictures import PictureWriter
from utkage.prediction.photos import Photo
from utkage.prediction.rows import FaceRow

CHIP = np.full((64, 64, 3), 120, np.uint8)


def photo_of(name: str, chips: int = 1) -> Photo:
    return Photo(name=name, image=np.full((90, 120, 3), 200, np.uint8), chips=(CHIP,) * chips)


def rows_of(name: str, count: int = 1) -> list[FaceRow]:
    return [
        FaceRow(name, "ok", face=number, box=(10.0, 10.0, 60.0, 60.0), faces=count)
        for number in range(1, count + 1)
    ]


def test_copies_crops_and_the_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    with PictureWriter(tmp_path / "copies", tmp_path / "crops", sheet) as pictures:
        pictures.add(photo_of("a/x.jpg", 2), rows_of("a/x.jpg", 2))
        assert not sheet.exists()
    (copy,) = (tmp_path / "copies").iterdir()
    assert copy.name == "a_x.annotated.jpg"
    assert load_image(copy).std() > 0
    assert {path.name for path in (tmp_path / "crops").iterdir()} == {
        *("a_x.face1.png", "a_x.face2.png")
    }
    assert sheet.exists()


def test_inputs_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    with PictureWriter(tmp_path) as pictures:
        for name in ("x.jpg", "x.png", "http://h/x.jpg?a=1"):
            pictures.add(photo_of(name), rows_of(name))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"x.annotated.jpg", "x-2.annotated.jpg"} <= names
    assert len(names) == 3


def test_names_that_are_too_long_are_cut(tmp_path: Path) -> None:
    names = [f"{'x' * 246}.jpg", f"{'x' * 247}.jpg", f"{'像' * 83}.jpg", "red\x1b[31m.jpg"]
    with PictureWriter(tmp_path / "copies", tmp_path / "crops") as pictures:
        for name in names:
            pictures.add(photo_of(name), rows_of(name))
    for folder in ("copies", "crops"):
        written = [path.name for path in (tmp_path / folder).iterdir()]
        assert len(written) == len(names)
        assert "\x1b" not in "".join(written)


def test_an_interruption_keeps_the_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"

    def interrupted() -> None:
        with PictureWriter(sheet=sheet) as pictures:
            pictures.add(photo_of("x.jpg"), rows_of("x.jpg"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sheet.exists()


def test_an_interruption_waits_for_the_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saving = []

    monkeypatch.setattr(module, "save_image", lambda *of: saving.append(is_saving()))
    with raising_stop_signals(), PictureWriter(sheet=tmp_path / "sheet.png") as pictures:
        pictures.add(photo_of("x.jpg"), rows_of("x.jpg"))
        assert not is_saving()
    assert saving == [True]


def test_a_sheet_without_faces_and_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PictureWriter(sheet=tmp_path / "none.png"):
        pass
    assert not (tmp_path / "none.png").exists()
    monkeypatch.setattr(module, "SHEET_FACES", 1)
    with PictureWriter(sheet=tmp_path / "one.png") as pictures:
        pictures.add(photo_of("x.jpg", 3), rows_of("x.jpg", 3))
    with PictureWriter(sheet=tmp_path / "single.png") as pictures:
        pictures.add(photo_of("x.jpg"), rows_of("x.jpg"))
    assert load_image(tmp_path / "one.png").shape == load_image(tmp_path / "single.png").shape


def test_folders_that_are_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError):
        PictureWriter(images=tmp_path / "file")
    with pytest.raises(UsageError, match="save_images"):
        PictureWriter().video_path("clip.mp4")


def test_a_picture_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    errors: list[ImageError] = []
    wide = Photo(name="wide.jpg", image=np.zeros((2, 70_000, 3), np.uint8))
    with PictureWriter(tmp_path / "copies", on_unwritten=errors.append) as pictures:
        pictures.add(wide, [FaceRow("wide.jpg", "no_face", faces=0)])
        pictures.add(photo_of("x.jpg"), rows_of("x.jpg"))
    (error,) = errors
    assert "70000 x 2 pixels are too many for JPEG, which holds up to 65500" in str(error)
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["x.annotated.jpg"]


def test_no_room_for_the_sheet_or_a_crop_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "save_image", fail)
    errors: list[ImageError] = []
    sheet = tmp_path / "sheet.png"
    with PictureWriter(None, tmp_path, sheet, on_unwritten=errors.append) as pictures:
        pictures.add(photo_of("x.jpg"), rows_of("x.jpg"))
    assert [str(error).partition(":")[0] for error in errors] == [
        str(tmp_path / "x.face1.png"),
        str(sheet),
    ]
    assert all("No space left on device" in str(error) for error in errors)


def test_many_pictures_of_one_name_take_no_longer(tmp_path: Path) -> None:
    began = time.process_time()
    with PictureWriter(tmp_path) as pictures:
        names = [pictures._free_name(tmp_path, "0.jpg", ".jpg").name for _ in range(20_000)]
    assert names[:3] == ["0.jpg", "0-2.jpg", "0-3.jpg"]
    assert len(set(names)) == len(names)
    assert time.process_time() - began < 20
