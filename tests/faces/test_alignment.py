import math

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.core.errors import ImageError
from utkage.faces.alignment import box_to_chip, cut_chip, extract_chip, similarity_transform
from utkage.faces.contract import UTKFACE_BOX, UTKFACE_TEMPLATE, CropContract, utkface_contract


def similarity(scale, degrees, shift):
    angle = math.radians(degrees)
    linear = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    return np.column_stack([linear, shift])


def moved(matrix, points):
    return [tuple(point) for point in np.array(points) @ matrix[:, :2].T + matrix[:, 2]]


@settings(max_examples=200)
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


@settings(max_examples=100)
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


@pytest.mark.parametrize("size", [200, 100])
def test_a_box_comes_to_the_box_of_an_aligned_face(size):
    """Middle on middle, and the longer side of one as long as that of the other."""
    contract = utkface_contract(size)
    left, top, right, bottom = (value * size / 200 for value in UTKFACE_BOX)
    middle = np.array([left + right, top + bottom]) / 2
    for box in ((50.0, 30.0, 110.0, 150.0), (50.0, 30.0, 170.0, 90.0)):
        centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2
        matrix = box_to_chip(box, contract)
        np.testing.assert_allclose(matrix[:, :2], np.eye(2) * (bottom - top) / 120)
        np.testing.assert_allclose(matrix[:, :2] @ centre + matrix[:, 2], middle)


@pytest.mark.parametrize(
    ("rotated", "up"), [(0, (0, -1)), (90, (-1, 0)), (180, (0, 1)), (270, (1, 0))]
)
def test_a_box_is_rotated_by_quarter_turns(rotated, up):
    """``up`` is where the top of the head lies in the picture before it is rotated."""
    matrix = box_to_chip((0.0, 0.0, 118.0, 118.0), utkface_contract(100), rotated)
    np.testing.assert_allclose(matrix[:, :2] @ np.array(up), [0, -1], atol=1e-9)
    assert np.linalg.det(matrix[:, :2]) == pytest.approx(1)


@pytest.mark.parametrize("box", [(5.0, 5.0, 5.0, 5.0), (9.0, 9.0, 1.0, 2.0), (math.nan,) * 4])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ImageError) as caught:
        box_to_chip(box, utkface_contract(64))
    assert str(caught.value) == "the box of the face is empty; the face cannot be cut out"


def test_every_reason_why_points_are_refused():
    for source, message in (
        ([(0, 0)], "landmarks and template are not the same number of points (at least 2)"),
        ([(0, 0, 0)] * 5, "landmarks and template are not the same number of points (at least 2)"),
        ([(0, 0)] * 5, "landmarks lie on one point; the face cannot be aligned"),
        ([(0, math.inf)] * 5, "landmarks are not finite numbers; the face cannot be aligned"),
    ):
        target = UTKFACE_TEMPLATE[: len(source)]
        with pytest.raises(ImageError) as caught:
            similarity_transform(source, target)
        assert str(caught.value) == message
    two = [(0.0, 0.0), (2.0, 0.0)]
    np.testing.assert_allclose(similarity_transform(two, two), np.eye(2, 3), atol=1e-12)
    with pytest.raises(ImageError, match="one point"):
        extract_chip(np.zeros((9, 9, 3), np.uint8), [(4.0, 4.0), *[(4.2, 4.1)] * 4], CONTRACT_64)


CONTRACT_64 = utkface_contract(64)


def test_only_the_seen_part_of_a_picture_is_cut():
    """A chip does not depend on what lies far away from it."""
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (400, 500, 3), dtype=np.uint8)
    for scale, angle in ((1.0, 0.3), (0.31, 0.0), (0.12, -1.0), (1.7, 2.0)):
        linear = scale * np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        to_chip = np.column_stack([linear, 32 - linear @ np.array([250, 200])])
        chip = cut_chip(picture, to_chip, CONTRACT_64)
        padded = np.zeros((1400, 1500, 3), np.uint8)
        padded[500:900, 500:1000] = picture
        shifted = np.column_stack([linear, to_chip[:, 2] - linear @ np.array([500, 500])])
        difference = np.abs(cut_chip(padded, shifted, CONTRACT_64).astype(int) - chip)
        assert difference.mean() < 2.5, (scale, angle)
        assert (chip.shape, chip.dtype) == ((64, 64, 3), np.uint8)
