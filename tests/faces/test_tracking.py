from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.faces.detector import Face
from utkage.faces.tracking import Tracker, box_distance

POINTS = ((0.0, 0.0),) * 5


def face(x: float, y: float = 0.0, side: float = 40.0) -> Face:
    return Face((x, y, x + side, y + side), 0.9, POINTS)


def numbers(tracker: Tracker, faces: Sequence[Face], frame: int) -> list[int]:
    return [track.number for track in tracker.match(faces, frame, frame / 10)]


def test_faces_keep_their_numbers_whatever_the_order() -> None:
    tracker = Tracker()
    assert numbers(tracker, [face(0), face(200)], 0) == [1, 2]
    assert numbers(tracker, [face(190), face(12)], 1) == [2, 1]
    assert numbers(tracker, [face(25), face(180), face(400)], 2) == [1, 2, 3]
    assert [track.detections for track in tracker.tracks] == [3, 3, 1]


def test_the_best_assignment_of_all_is_taken() -> None:
    # The nearest pair first would leave the other face alone.
    tracker = Tracker()
    numbers(tracker, [face(0), face(20)], 0)
    assert numbers(tracker, [face(21), face(39)], 1) == [1, 2]


def test_a_face_comes_back_within_the_gap_and_not_after() -> None:
    tracker = Tracker(gap=1.0)
    numbers(tracker, [face(0)], 0)
    assert numbers(tracker, [], 3) == []
    assert tracker.visible == []
    assert tracker.ended(0.9) == []
    assert numbers(tracker, [face(15)], 8) == [1]
    numbers(tracker, [], 9)
    (ended,) = tracker.ended(2.0)
    assert (ended.first_frame, ended.last_frame, ended.detections) == (0, 8, 2)
    assert tracker.tracks == []
    assert numbers(tracker, [face(15)], 21) == [2]


def test_one_that_is_seen_goes_before_one_that_is_waited_for() -> None:
    tracker = Tracker()
    numbers(tracker, [face(0), face(30)], 0)
    assert numbers(tracker, [face(31)], 1) == [2]
    assert numbers(tracker, [face(20)], 2) == [2]


def test_a_face_of_another_size_is_another_one() -> None:
    tracker = Tracker()
    numbers(tracker, [face(0, side=40)], 0)
    assert numbers(tracker, [face(-40, -40, side=120)], 1) == [2]


def test_between_detections_faces_are_followed_or_lost() -> None:
    tracker = Tracker()
    numbers(tracker, [face(0), face(200)], 0)

    def right(faces: Sequence[Face]) -> list[Face | None]:
        return [face(faces[0].box[0] + 5), None]

    tracker.move(right, 1, 0.1)
    (seen,) = tracker.visible
    assert (seen.number, seen.face.box[0], seen.frames, seen.detections) == (1, 5.0, 2, 1)
    assert numbers(tracker, [face(10), face(204)], 2) == [1, 2]


def test_confirmation_takes_two_detections_where_there_were_two() -> None:
    tracker = Tracker()
    (track,) = tracker.match([face(0)], 0, 0.0)
    assert tracker.is_confirmed(track)
    tracker.match([], 5, 0.5)
    assert not tracker.is_confirmed(track)
    tracker.match([face(0)], 10, 1.0)
    assert tracker.is_confirmed(track)


def test_distance() -> None:
    assert box_distance((0, 0, 10, 10), (0, 0, 10, 10)) == 0
    assert box_distance((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(0.5)
    grown = box_distance((0, 0, 10, 10), (-5, -5, 15, 15))
    assert grown == pytest.approx(math.log(2))
    assert math.isfinite(box_distance((3, 3, 3, 3), (0, 0, 9, 9)))


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_well_separated_faces_never_swap(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    places = np.arange(count) * 100.0
    tracker = Tracker()
    for frame in range(8):
        places = places + random.uniform(-8, 8, count)
        order = random.permutation(count)
        found = numbers(tracker, [face(places[index]) for index in order], frame)
        if frame == 0:
            expected = np.empty(count, dtype=int)
            expected[order] = found
        assert found == [expected[index] for index in order]
