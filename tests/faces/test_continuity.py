from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.faces.continuity import FaceMemory
from utkage.faces.detector import Face
from utkage.faces.scenes import Break, SceneChange
from utkage.faces.tracking import Track

Grey = NDArray[np.uint8]
POINTS = ((0.0, 0.0),) * 5
BOX = (40.0, 40.0, 120.0, 120.0)


def person(seed: int) -> Grey:
    """A picture with smooth noise that stands for the face of one person."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return cv2.resize(noise, (160, 160), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def track(number: int = 1, *, visible: bool = True) -> Track:
    return Track(
        number=number,
        face=Face(BOX, 0.9, POINTS),
        first_frame=0,
        first_seconds=0.0,
        last_frame=0,
        last_seconds=0.0,
        visible=visible,
    )


def remembered(pictures: list[tuple[float, Grey]], tracks: list[Track]) -> FaceMemory:
    memory = FaceMemory()
    for seconds, grey in pictures:
        memory.remember(tracks, grey, 1.0, seconds)
    return memory


CUT = SceneChange(Break.CUT, since=1.0, similarity=0.2)
COVERED = SceneChange(Break.CUT, since=1.0, similarity=0.8)
BLANK = SceneChange(Break.BLANK, since=1.0, similarity=0.2)


@pytest.mark.parametrize("change", [CUT, BLANK])
def test_the_same_face_stays_and_another_is_a_stranger(change: SceneChange) -> None:
    one = track()
    memory = remembered([(0.96, person(0)), (1.0, person(0))], [one])
    assert memory.strangers(change, [one], [], person(0), 1.0) == []
    assert memory.strangers(change, [one], [], person(1), 1.0) == [one]


def test_a_covered_face_is_a_stranger_only_if_another_face_is_found_there() -> None:
    one = track()
    memory = remembered([(1.0, person(0))], [one])
    assert memory.strangers(COVERED, [one], [], person(1), 1.0) == []
    here, elsewhere = Face(BOX, 0.9, POINTS), Face((300.0, 0.0, 380.0, 80.0), 0.9, POINTS)
    assert memory.strangers(COVERED, [one], [elsewhere], person(1), 1.0) == []
    assert memory.strangers(COVERED, [one], [here], person(1), 1.0) == [one]


def test_without_a_memory_the_scene_decides() -> None:
    unseen, memory = track(), FaceMemory()
    assert memory.strangers(BLANK, [unseen], [], person(0), 1.0) == [unseen]
    assert memory.strangers(COVERED, [unseen], [], person(0), 1.0) == []
    # A face that was out of sight before the cut says nothing about the scene after it.
    hidden = track(visible=False)
    assert remembered([(1.0, person(0))], [hidden]).strangers(
        CUT, [hidden], [], person(0), 1.0
    ) == [hidden]


def test_tracks_that_are_not_given_are_forgotten() -> None:
    one, two = track(1), track(2)
    memory = remembered([(1.0, person(0))], [one, two])
    memory.remember([two], person(0), 1.0, 1.04)
    assert memory.strangers(BLANK, [one, two], [], person(0), 1.0) == [one]


def test_a_dissolve_is_over_when_another_face_stays() -> None:
    one = track()
    dissolve = SceneChange(Break.DISSOLVE, since=0.4, similarity=0.2)
    before = [(n / 25, person(0)) for n in range(11)]
    after = [(n / 25, person(1)) for n in range(11, 26)]
    settled = remembered([*before, *after], [one])
    assert settled.strangers(dissolve, [one], [], person(1), 1.0) == [one]
    same = remembered([*before, *((at, person(0)) for at, _ in after)], [one])
    assert same.strangers(dissolve, [one], [], person(0), 1.0) == []
    # Too soon to tell whether it stays.
    short = remembered([*before, *after[:2]], [one])
    assert short.strangers(dissolve, [one], [], person(1), 1.0) == []
