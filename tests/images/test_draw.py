import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.images.draw import Annotation, annotate, place_labels


def grey(width=400, height=300, value=128):
    return np.full((height, width, 3), value, np.uint8)


def common(a, b):
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


def test_box_and_label_are_drawn_on_a_copy_and_always_alike():
    rgb = grey()
    annotation = Annotation((100, 120, 180, 220), ("31 years", "female 98 %"))
    first, second = annotate(rgb, [annotation]), annotate(rgb, [annotation])
    assert np.array_equal(rgb, grey())
    assert first.shape == rgb.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    changed = np.argwhere((first != rgb).any(axis=2))
    assert changed[:, 0].min() < 115
    assert np.array_equal(first[130:210, 110:170], rgb[130:210, 110:170])


def test_label_changes_with_its_text_and_no_lines_means_no_label():
    box = (100, 120, 180, 220)
    plain = annotate(grey(), [Annotation(box, ())])
    assert np.array_equal(plain[:110], grey()[:110])
    one, other = (annotate(grey(), [Annotation(box, (text,))]) for text in ("31", "58"))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("value", [0, 60, 128, 200, 255])
def test_legible_on_any_background(value):
    rgb = grey(value=value)
    drawn = annotate(rgb, [Annotation((100, 120, 180, 220), ("31",))])
    lightness = drawn.astype(float) @ (0.299, 0.587, 0.114)
    side = lightness[150:190, 95:106]
    assert side.max() - side.min() > 150
    label = lightness[100:120, 100:130]
    assert label.max() - label.min() > 150


def test_grows_with_the_picture():
    small = annotate(grey(400, 300), [Annotation((100, 100, 200, 200), ("31",))])
    large = annotate(grey(4000, 3000), [Annotation((1000, 1000, 2000, 2000), ("31",))])
    share = [(image != 128).any(axis=2).mean() for image in (small, large)]
    assert share[1] > 0.3 * share[0]


boxes = st.tuples(*[st.floats(-200, 900) for _ in range(4)])


@settings(max_examples=60)
@given(
    picture=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    faces=st.lists(
        st.tuples(boxes, st.tuples(st.integers(1, 600), st.integers(1, 99))), max_size=8
    ),
)
def test_labels_lie_inside_the_picture(picture, faces):
    places = place_labels(picture, [face[0] for face in faces], [face[1] for face in faces])
    assert len(places) == len(faces)
    for (x0, y0, x1, y1), (_, (width, height)) in zip(places, faces, strict=True):
        assert 0 <= x0 < x1 <= picture[0]
        assert 0 <= y0 < y1 <= picture[1]
        assert (x1 - x0, y1 - y0) == (min(width, picture[0]), min(height, picture[1]))


@settings(max_examples=25)
@given(
    width=st.integers(1, 80),
    height=st.integers(1, 80),
    drawn=st.lists(st.tuples(boxes, st.lists(st.text(max_size=12), max_size=3)), max_size=4),
)
def test_any_annotation_on_any_picture(width, height, drawn):
    annotations = [Annotation(box, tuple(lines)) for box, lines in drawn]
    assert annotate(grey(width, height), annotations).shape == (height, width, 3)


def test_label_prefers_the_place_above_its_box():
    assert place_labels((400, 300), [(100, 100, 200, 200)], [(60, 20)]) == [(100, 80, 160, 100)]


def test_labels_of_neighbours_do_not_overlap():
    row = [(20 + 60 * i, 100, 70 + 60 * i, 150) for i in range(6)]
    places = place_labels((400, 300), row, [(90, 30)] * 6)
    assert not any(common(a, b) for a, b in itertools.combinations(places, 2))


def test_box_at_the_top_gets_its_label_elsewhere_inside():
    ((x0, y0, x1, y1),) = place_labels((400, 300), [(0, 0, 400, 300)], [(60, 20)])
    assert x0 >= 0
    assert y0 >= 0
    assert x1 <= 400
    assert y1 <= 300
