import math

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.core.errors import ImageError
from utkage.faces.alignment import extract_chip, similarity_transform
from utkage.faces.contract import UTKFACE_TEMPLATE, CropContract, utkface_contract


def similarity(scale, degrees, shift):
    angle = math.radians(degrees)
    linear = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    return np.column_stack([linear, shift])


def moved(matrix, points):
    return [tuple(point) for point in np.array(points) @ matrix[:, :2].T + matrix[:, 2]]


@settings(max_examples=200, deadline=None)
@given(
    scale=st.floats(0.01, 50),
    degrees=st.floats(-180, 180),
    shift=st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
)
def test_exact_similarities_are_recovered(scale, degrees, shift):
    truth = similarity(scale, degrees, shift)
    found = similarity_transform(UTKFACE_TEMPLATE, moved(truth, UTKFACE_TEMPLATE))
    assert found.shape == (2, 3)
    assert found.dtype == np.float64
    assert np.allclose(found, truth, atol=1e-6 * max(1, scale), rtol=1e-6)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_noisy_points_least_squares_beats_neighbours_and_never_mirrors(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 5, 2)) * 40
    found = similarity_transform(source.tolist(), target.tolist())
    assert np.linalg.det(found[:, :2]) >= 0

    def error(matrix):
        return ((source @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum()

    a, b = found[0, 0], found[1, 0]
    assert np.allclose(found[:, :2], [[a, -b], [b, a]])
    for da, db in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        linear = np.array([[a + da, -(b + db)], [b + db, a + da]])
        shift = target.mean(0) - linear @ source.mean(0)
        assert error(np.column_stack([linear, shift])) >= error(found)


def test_mirrored_points_do_not_give_a_reflection():
    mirrored = [(-x, y) for x, y in UTKFACE_TEMPLATE]
    assert np.linalg.det(similarity_transform(UTKFACE_TEMPLATE, mirrored)[:, :2]) > 0


@pytest.mark.parametrize(
    "source",
    [[(5.0, 5.0)] * 5, [(1e6, 1e6)] * 5, [(float("nan"), 0.0)] * 5, UTKFACE_TEMPLATE[:4], []],
)
def test_points_that_say_nothing_are_refused(source):
    with pytest.raises(ImageError):
        similarity_transform(source, UTKFACE_TEMPLATE)


@pytest.fixture(scope="module")
def chip():
    import cv2

    return cv2.GaussianBlur(skimage.data.astronaut()[20:220, 125:325], (0, 0), 1.2)


def placed(chip, scale, degrees, centre, shape=(1750, 1800)):
    """Paint ``chip`` into a black canvas; also give its template landmarks there."""
    import cv2

    matrix = similarity(scale, degrees, (0, 0))
    matrix[:, 2] = np.array(centre) - matrix[:, :2] @ (100, 100)
    by_index = matrix.copy()
    by_index[:, 2] += by_index[:, :2] @ (0.5, 0.5) - 0.5
    canvas = cv2.warpAffine(chip, by_index, shape[::-1], flags=cv2.INTER_CUBIC)
    return canvas, moved(matrix, UTKFACE_TEMPLATE)


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.5, 2.0, 3.7, 6.0])
@pytest.mark.parametrize("degrees", [0, 17, -45, 90, 180])
def test_pasted_chip_comes_back(chip, scale, degrees):
    canvas, landmarks = placed(chip, scale, degrees, (890.3, 871.8))
    back = extract_chip(canvas, landmarks, utkface_contract(200))
    assert back.shape == (200, 200, 3)
    assert back.dtype == np.uint8
    difference = np.abs(back.astype(int) - chip)[6:-6, 6:-6]
    assert difference.mean() < 2
    assert np.percentile(difference, 99) < 14


def test_untouched_chip_is_identical(chip):
    assert np.array_equal(extract_chip(chip, UTKFACE_TEMPLATE, utkface_contract(200)), chip)


@pytest.mark.parametrize("size", [64, 100, 160])
def test_smaller_contract_equals_area_averaging_without_a_shift(chip, size):
    import cv2

    canvas, landmarks = placed(chip, 4.0, 0, (800, 700))
    found = extract_chip(canvas, landmarks, utkface_contract(size)).astype(float)
    whole = cv2.resize(chip, (size, size), interpolation=cv2.INTER_AREA).astype(float)
    edge = slice(4, -4)
    assert np.abs(found - whole)[edge, edge].mean() < 2
    here = np.abs(found - whole)[edge, edge].mean()
    for axis in (0, 1):
        for step in (-1, 1):
            assert np.abs(np.roll(found, step, axis) - whole)[edge, edge].mean() > 2 * here


@pytest.mark.parametrize("scale", [2.3, 5.0, 11.0])
def test_large_faces_are_averaged_not_sampled(scale):
    fine = np.indices((2400, 2400)).sum(axis=0) % 2 * 255
    canvas = np.repeat(fine[..., None], 3, 2).astype(np.uint8)
    landmarks = moved(similarity(scale, 9, (60, 30)), UTKFACE_TEMPLATE)
    found = extract_chip(canvas, landmarks, utkface_contract(200))
    inside = found[60:120, 60:120].astype(float)
    assert abs(inside.mean() - 127.5) < 2
    assert inside.std() < 12


def test_outside_of_the_picture_is_black():
    canvas = np.full((300, 300, 3), 200, np.uint8)
    landmarks = [(x - 100, y) for x, y in UTKFACE_TEMPLATE]
    found = extract_chip(canvas, landmarks, utkface_contract(200))
    assert found[:, :99].max() == 0
    assert (found[1:, 101:] == 200).all()
    far = [(x + 1e5, y) for x, y in UTKFACE_TEMPLATE]
    assert extract_chip(canvas, far, utkface_contract(200)).max() == 0


def test_extreme_faces_do_not_break():
    canvas = np.full((120, 40_000, 3), 77, np.uint8)
    wide = moved(similarity(150, 3, (2000, -9000)), UTKFACE_TEMPLATE)
    assert extract_chip(canvas, wide, utkface_contract(112)).shape == (112, 112, 3)
    tiny = moved(similarity(0.02, 0, (50, 50)), UTKFACE_TEMPLATE)
    assert extract_chip(canvas, tiny, utkface_contract(112)).mean() == 77
    line = [(100.0 + 30 * i, 50.0) for i in range(5)]
    assert extract_chip(canvas, line, utkface_contract(112)).shape == (112, 112, 3)


@pytest.mark.parametrize(
    "landmarks",
    [[(50.0, 50.0)] * 5, [(50.0 + 0.1 * i, 50.0) for i in range(5)], [(float("inf"), 1.0)] * 5, []],
)
def test_landmarks_on_one_point_are_refused(landmarks):
    with pytest.raises(ImageError):
        extract_chip(np.zeros((100, 100, 3), np.uint8), landmarks, utkface_contract(112))


def test_template_is_symmetric_and_scales():
    contract = utkface_contract(200)
    assert isinstance(contract, CropContract)
    for left, right in ((0, 1), (3, 4)):
        assert contract.template[left][0] + contract.template[right][0] == pytest.approx(200)
        assert contract.template[left][1] == contract.template[right][1]
    assert contract.template[2][0] == 100
    assert contract.at_size(100).template[0] == pytest.approx((29.7, 29.95))


@pytest.mark.realdata
def test_real_chips_are_cut_as_they_were(real_data):
    from utkage.faces.retinaface import RetinaFaceDetector
    from utkage.images.decode import load_image
    from utkage.images.discover import expand_inputs

    detector = RetinaFaceDetector()
    contract = utkface_contract(200)
    middles = []
    for path in expand_inputs([real_data / "photos" / "congress"])[:20]:
        (face,) = detector.detect(load_image(path))
        chip = extract_chip(load_image(path), face.landmarks, contract)
        (again,) = detector.detect(np.pad(chip, ((100, 100), (100, 100), (0, 0))))
        middles.append(np.array(again.landmarks) - 100)
    assert np.abs(np.median(middles, axis=0) - contract.template).max() < 7
