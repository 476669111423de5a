import numpy as np
import pytest
import skimage.data

from utkage.core.errors import ConfigError, ImageError
from utkage.faces import tiles
from utkage.faces.detector import Detector, Face
from utkage.faces.retinaface import RetinaFaceDetector, finest_scale
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs

FACE_CENTRE = (225.0, 115.0)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return RetinaFaceDetector()


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return skimage.data.astronaut()


def resized(rgb: np.ndarray, scale: float) -> np.ndarray:
    import cv2

    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=method)


def assert_sensible(face: Face, width: int, height: int) -> None:
    x0, y0, x1, y1 = face.box
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert 0.8 < face.score <= 1


def test_finds_the_astronaut_once(detector, astronaut):
    (face,) = detector.detect(astronaut)
    assert_sensible(face, 512, 512)
    assert face.box[0] < FACE_CENTRE[0] < face.box[2]
    assert face.box[1] < FACE_CENTRE[1] < face.box[3]
    assert 80 < face.size < 150
    assert any(value % 1 for point in face.landmarks for value in point)


@pytest.mark.parametrize("degrees", [-20, -12, -5, 5, 12, 20])
def test_rotated_landmarks_turn_along(detector, astronaut, degrees):
    import cv2

    matrix = cv2.getRotationMatrix2D(FACE_CENTRE, degrees, 1)
    (upright,) = detector.detect(astronaut)
    (face,) = detector.detect(cv2.warpAffine(astronaut, matrix, (512, 512)))
    expected = np.array(upright.landmarks) @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(np.array(face.landmarks) - expected).max() < 8


def test_mirrored_landmarks_mirror(detector, astronaut):
    (face,) = detector.detect(astronaut)
    (mirrored,) = detector.detect(np.ascontiguousarray(astronaut[:, ::-1]))
    back = [(512 - x, y) for x, y in np.array(mirrored.landmarks)[[1, 0, 2, 4, 3]]]
    assert np.abs(np.array(back) - np.array(face.landmarks)).max() < 5


@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0, 5.0])
def test_landmarks_scale_with_the_picture(detector, astronaut, scale):
    (face,) = detector.detect(astronaut)
    (scaled,) = detector.detect(resized(astronaut, scale))
    distance = np.abs(np.array(scaled.landmarks) / scale - np.array(face.landmarks)).max()
    assert distance < (8 if scale < 1 else 4)


def test_tiny_face_alone_and_in_a_large_picture(detector, astronaut):
    small = resized(astronaut, 24 / 120)
    (face,) = detector.detect(small)
    assert 15 < face.size < 35
    canvas = np.full((900, 1400, 3), 127, np.uint8)
    canvas[500 : 500 + small.shape[0], 900 : 900 + small.shape[1]] = small
    (far,) = detector.detect(canvas)
    assert 900 < far.box[0] < far.box[2] < 900 + small.shape[1]


def test_small_face_beside_a_large_one_largest_first(detector, astronaut):
    canvas = np.full((512, 1024, 3), 127, np.uint8)
    canvas[:, :512] = astronaut
    small = resized(astronaut, 0.35)
    canvas[300 : 300 + small.shape[0], 700 : 700 + small.shape[1]] = small
    large_face, small_face = detector.detect(canvas)
    assert large_face.box[0] < 512 < small_face.box[0]
    assert large_face.area > small_face.area


@pytest.mark.parametrize("axis", [0, 1])
def test_faces_of_a_long_strip(detector, astronaut, axis):
    piece = resized(astronaut, 0.6)
    strip = np.concatenate([piece] * 24, axis=axis)
    faces = detector.detect(strip)
    assert len(faces) == 24
    centres = sorted((face.box[1 - axis] + face.box[3 - axis]) / 2 for face in faces)
    assert np.diff(centres) == pytest.approx(len(piece), abs=6)


def test_a_face_as_wide_as_a_strip_is_found_once(detector, astronaut):
    close = resized(astronaut[50:220, 130:300], 4)
    strip = np.full((12 * len(close), close.shape[1], 3), 127, np.uint8)
    strip[3 * len(close) : 4 * len(close)] = close
    (face,) = detector.detect(strip)
    assert face.size > 0.4 * len(close)


def test_a_small_face_beside_a_large_one_in_a_large_picture(detector, astronaut):
    canvas = np.full((1200, 1600, 3), 127, np.uint8)
    large = resized(astronaut, 2.2)
    canvas[: len(large), : len(large)] = large[:1200, :1600]
    # 2.5 % of the long side.
    small = resized(astronaut, 40 / 120)
    canvas[900 : 900 + len(small), 1300 : 1300 + len(small)] = small
    large_face, small_face = detector.detect(canvas)
    assert large_face.size > 5 * small_face.size
    assert small_face.box[0] > 1300


@pytest.mark.parametrize("side", [80, 250, 700, 2000])
def test_face_that_fills_the_frame(detector, astronaut, side):
    close = astronaut[65:170, 185:265]
    picture = resized(close, side / close.shape[0])
    (face,) = detector.detect(picture)
    assert_sensible(face, picture.shape[1], picture.shape[0])
    assert face.size > 0.8 * side


def test_min_face_leaves_small_ones_out(astronaut):
    assert RetinaFaceDetector(min_face=200).detect(astronaut) == []
    assert len(RetinaFaceDetector(min_face=50).detect(astronaut)) == 1


NO_FACES = [
    "brick",
    "grass",
    "gravel",
    "coins",
    "coffee",
    "rocket",
    "moon",
    "text",
    "page",
    "clock",
]


@pytest.mark.parametrize("name", NO_FACES)
def test_no_face_in_textures_and_things(detector, name):
    picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    for scale in (1.0, 2.5):
        assert detector.detect(resized(np.ascontiguousarray(picture[..., :3]), scale)) == []


def test_no_face_in_a_drawn_picture_and_flat_colour(detector):
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (600, 400), "skyblue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 250, 600, 400), fill="green")
    draw.rectangle((200, 150, 380, 300), fill="firebrick")
    draw.polygon([(190, 150), (290, 60), (390, 150)], fill="maroon")
    draw.ellipse((480, 30, 550, 100), fill="yellow")
    assert detector.detect(np.array(image)) == []
    for value in (0, 127, 255):
        assert detector.detect(np.full((300, 300, 3), value, np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3000), (33, 31)])
def test_odd_shapes_do_no_harm(detector, shape):
    assert detector.detect(np.full((*shape, 3), 90, np.uint8)) == []


def test_same_answer_twice_and_with_more_threads(detector, astronaut):
    assert detector.detect(astronaut) == detector.detect(astronaut)
    (one,), (two,) = detector.detect(astronaut), RetinaFaceDetector(threads=2).detect(astronaut)
    assert np.allclose(one.landmarks, two.landmarks, atol=0.05)


@pytest.mark.parametrize(
    "wrong",
    [{"threads": 0}, {"score_threshold": 1.5}, {"min_face": -1}, {"min_face": float("nan")}],
)
def test_impossible_settings(wrong):
    with pytest.raises(ConfigError):
        RetinaFaceDetector(**wrong)


@pytest.mark.parametrize(
    "wrong", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)]
)
def test_other_arrays_are_refused(detector, wrong):
    with pytest.raises(ImageError, match="not an 8-bit RGB picture"):
        detector.detect(wrong)


def test_the_finest_pass_fits_the_smallest_face():
    assert finest_scale(56.0) == pytest.approx(0.5)
    assert finest_scale(28.0) == pytest.approx(1.0)
    assert finest_scale(0.0) == finest_scale(14.0) == 2.0


@pytest.mark.realdata
def test_every_portrait_has_one_face(detector, real_data):
    portraits = expand_inputs([real_data / "photos" / "congress"])
    counts = [len(detector.detect(load_image(path))) for path in portraits]
    assert counts.count(0) <= 0.01 * len(counts)
    assert max(counts) == 1


def test_a_pass_searches_a_limited_number_of_pixels(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip = np.ascontiguousarray(np.concatenate([astronaut] * 4))
    thorough = RetinaFaceDetector(min_face=16.0, finest=1.0)
    assert len(RetinaFaceDetector().detect(strip)) == 4
    monkeypatch.setattr(tiles, "MOST_SEARCHED", 2_000)
    assert not RetinaFaceDetector().detect(strip)
    # Unless the user asks for small faces.
    assert len(thorough.detect(strip)) == 4
