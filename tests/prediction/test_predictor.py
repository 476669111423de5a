from __future__ import annotations

import doctest
import io
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import utkage
from tools.quality import coverings, looks
from utkage import FaceRow, Predictor
from utkage.core.errors import ConfigError, UsageError
from utkage.images.decode import load_image
from utkage.images.objects import as_input
from utkage.images.video import Frame
from utkage.prediction import predictor as module
from utkage.prediction.face_tracks import FaceTrack, TrackedFrame
from utkage.prediction.rows import photo_rows, track_row


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.shipped(flip=False)


def test_every_way_to_hand_over_a_picture(predictor: Predictor, examples: Path) -> None:
    path = examples / "portrait.jpg"
    (expected,) = predictor.predict(path)
    array = load_image(path)
    every = [str(path), path.read_bytes(), array, Image.fromarray(array)]
    for source in every:
        (found,) = predictor.predict(source)
        assert replace(found, file=expected.file) == expected
    together = list(predictor.predict(every))
    assert [row.file for row in together] == [str(path), "bytes[1]", "array[2]", "array[3]"]
    (photo,) = predictor.photos(str(path))
    assert photo.predictions.age[0] == pytest.approx(expected.age, abs=0.01)
    with pytest.raises(UsageError, match="int is not a picture"):
        predictor.photos(3)  # type: ignore[arg-type]


def test_arrays_of_opencv(predictor: Predictor, examples: Path) -> None:
    array = load_image(examples / "portrait.jpg")
    (expected,) = predictor.predict(array)
    swapped = np.ascontiguousarray(array[..., ::-1])
    (flagged,) = predictor.predict(swapped)
    assert "bgr" in (flagged.flags or ())
    assert "bgr" not in (expected.flags or ())
    of_opencv = Predictor.shipped(flip=False, arrays="bgr")
    with_alpha = np.dstack([swapped, np.full(swapped.shape[:2], 255, np.uint8)])
    for source in (swapped, with_alpha):
        (found,) = of_opencv.predict(source)
        assert found == expected
    # Files and grey pictures have no order of colours.
    (file,) = of_opencv.predict(examples / "portrait.jpg")
    assert (file.age, file.p_female) == (expected.age, expected.p_female)
    (grey,) = predictor.predict(np.asarray(Image.fromarray(array).convert("L")))
    assert "bgr" not in (grey.flags or ())
    with pytest.raises(ConfigError, match="`arrays` hsv: choose one of rgb, bgr"):
        Predictor.shipped(arrays="hsv")


def test_turned_and_deep_pictures_have_one_row_through_every_door(
    predictor: Predictor, examples: Path, tmp_path: Path
) -> None:
    upright = Image.open(examples / "portrait.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    grey = np.asarray(upright.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / "deep.png")
    for name in ("turned.png", "deep.png"):
        path = tmp_path / name
        content = path.read_bytes()
        doors = [path, bytearray(content), memoryview(content), io.BytesIO(content)]
        rows = predictor.predict_all([*doors, Image.open(path), path.as_uri()])
        assert {row.status for row in rows} == {"ok"}
        assert len({replace(row, file=name) for row in rows}) == 1


def test_the_command_answers_the_same(predictor: Predictor, examples: Path) -> None:
    request = utkage.PredictRequest(inputs=(str(examples),), weights="shipped", flip=False)
    assert list(utkage.predict(request)) == list(predictor.predict(examples))


def test_a_picture_without_its_end_is_flagged(predictor: Predictor, examples: Path) -> None:
    content = (examples / "portrait.jpg").read_bytes()
    (whole,) = predictor.predict(content)
    for source in (content[:-50], Image.open(io.BytesIO(content[:-50]))):
        (row,) = predictor.predict(source)
        assert row.status == "ok"
        assert row.flags == (*(whole.flags or ()), "truncated")
        assert abs((row.age or 0) - (whole.age or 0)) < 2


PAINTED = {"covered": coverings.mask, "unusual": looks.negative}


@pytest.mark.parametrize("flag", PAINTED)
def test_a_painted_face_is_flagged_and_its_interval_is_wider(
    flag: str, predictor: Predictor, examples: Path
) -> None:
    portrait = load_image(examples / "portrait.jpg")
    (plain,) = predictor.photos([as_input(portrait)])
    painted = PAINTED[flag](portrait, plain.faces[0].landmarks, np.random.default_rng(0))
    (photo,) = predictor.photos([as_input(painted)])
    (row,) = photo_rows(photo, predictor.settings)
    assert photo_rows(plain, predictor.settings)[0].flags == ()
    # A negative has blue skin, like an array of OpenCV; what covers a face explains its colour.
    assert row.flags == ((flag, "bgr") if flag == "unusual" else (flag,))
    low, high = photo.predictions.age_interval(0.8)
    assert (row.age_low or 0) < low[0] < high[0] < (row.age_high or 0)
    assert row.age == pytest.approx(photo.predictions.age[0], abs=0.01)


def test_a_covered_face_of_a_video_is_flagged(predictor: Predictor, examples: Path) -> None:
    portrait = load_image(examples / "portrait.jpg")
    (plain,) = predictor.photos([as_input(portrait)])
    masked = coverings.mask(portrait, plain.faces[0].landmarks, np.random.default_rng(0))
    frames = [Frame(index, index / 10, masked) for index in range(6)]
    *shown, track = predictor.watch(frames)
    assert isinstance(track, FaceTrack)
    assert track.best.flags == ("covered",)
    low, high = track.prediction.age_interval(0.8)
    row = track_row("clip", track, predictor.settings)
    assert row.flags == ("covered",)
    assert (row.age_low or 0) < low[0] < high[0] < (row.age_high or 0)
    faces = [face for frame in shown if isinstance(frame, TrackedFrame) for face in frame.faces]
    assert faces
    assert all(face.flags == ("covered",) for face in faces)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_predictor_can_be_pickled(engine: str, examples: Path) -> None:
    predictor = Predictor.shipped(flip=False, engine=engine, max_faces=2)
    content = pickle.dumps(predictor)
    assert len(content) < 10_000
    copy = pickle.loads(content)
    assert copy.settings == predictor.settings
    path = examples / "family.jpg"
    assert list(copy.predict(path)) == list(predictor.predict(path))


def test_a_chip_predictor_can_be_pickled() -> None:
    predictor = utkage.load_predictor(flip=False)
    size = predictor.card.contract.size
    chips = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    copy = pickle.loads(pickle.dumps(predictor))
    assert np.array_equal(copy.predict_chips(chips).age, predictor.predict_chips(chips).age)


def test_photos_may_be_taken_as_upright(predictor: Predictor, examples: Path) -> None:
    turned = [np.rot90(load_image(examples / "portrait.jpg"), 2)]

    def rotations(rotate: str | None) -> set[int]:
        (photo,) = predictor.photos(turned, rotate=rotate)
        return {face.rotated for face in photo.faces}

    assert rotations(None) == rotations("auto") == {180}
    assert rotations("none") <= {0}
    with pytest.raises(ConfigError, match="choose one of auto, none"):
        predictor.photos(turned, rotate="left")


def test_pictures_are_read_as_they_are_needed(predictor: Predictor, examples: Path) -> None:
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield examples / "portrait.jpg"

    rows = predictor.predict(endless())
    assert read == 0
    assert isinstance(next(rows), FaceRow)
    assert read < 1000
    rows.close()  # type: ignore[attr-defined]


def test_threads_share_it(predictor: Predictor, examples: Path) -> None:
    names = ["couple.jpg", "portrait.jpg", "rotated.jpg"]
    alone = {name: list(predictor.predict(examples / name)) for name in names}
    found: dict[str, list[FaceRow]] = {}

    def predict(name: str) -> None:
        found[name] = list(predictor.predict(examples / name))

    threads = [threading.Thread(target=predict, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def test_what_is_no_picture(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="int is not a picture"):
        list(predictor.predict(3))
    with pytest.raises(UsageError, match="no file to read"):
        predictor.predict(tmp_path)
    for source in (tmp_path / "gone.jpg", b"no picture"):
        (row,) = predictor.predict(source)
        assert row.status == "failed"
        assert row.reason
    (row,) = predictor.predict(np.zeros((90, 90, 3), np.uint8))
    assert row.status == "no_face"
    with pytest.raises(ConfigError, match="`max_faces` 0"):
        Predictor.shipped(max_faces=0)


def test_the_example_in_the_words(monkeypatch: pytest.MonkeyPatch, examples: Path) -> None:
    monkeypatch.chdir(examples.parent)
    assert doctest.testmod(module).attempted
    assert doctest.testmod(module).failed == 0
