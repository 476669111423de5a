"""A tracked face ends where another scene begins, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from utkage import Predictor
from utkage.images.decode import load_image
from utkage.images.video import Frame
from utkage.prediction.face_tracks import FaceTrack

Picture = NDArray[np.uint8]
RATE = 25


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.shipped(flip=False, workers=1)


@pytest.fixture(scope="module")
def people(examples: Path) -> tuple[Picture, Picture]:
    """Two people in the same place before the same background."""
    shown = []
    for name in ("28-38_male", "0-4_female"):
        picture = np.full((240, 240, 3), 90, np.uint8)
        (path,) = (examples / "faces").glob(f"{name}*")
        picture[20:220, 20:220] = cv2.resize(load_image(path), (200, 200))
        shown.append(picture)
    return shown[0], shown[1]


def mixture(first: Picture, second: Picture, share: float) -> Picture:
    return np.rint(first * (1 - share) + second * share).astype(np.uint8)


def dissolve(first: Picture, second: Picture, count: int) -> list[Picture]:
    return [mixture(first, second, (number + 1) / (count + 1)) for number in range(count)]


def wipe(first: Picture, second: Picture, count: int) -> list[Picture]:
    edges = [240 * (number + 1) // (count + 1) for number in range(count)]
    return [np.concatenate([second[:, :x], first[:, x:]], axis=1) for x in edges]


def swaying(pictures: list[Picture]) -> list[Picture]:
    return [
        np.roll(picture, round(12 * np.sin(number / 6)), axis=1)
        for number, picture in enumerate(pictures)
    ]


def moved(pictures: list[Picture]) -> Iterator[Picture]:
    for number, picture in enumerate(pictures):
        yield np.roll(picture, number // 10 % 2, axis=1)


def tracks(
    predictor: Predictor, pictures: list[Picture], times: list[float] | None = None
) -> list[FaceTrack]:
    seconds = times or [number / RATE for number in range(len(pictures))]
    frames = (Frame(number, seconds[number], one) for number, one in enumerate(moved(pictures)))
    return [event for event in predictor.watch(frames) if isinstance(event, FaceTrack)]


GREY = np.full((240, 240, 3), 128, np.uint8)
BETWEEN: dict[str, Callable[[Picture, Picture], list[Picture]]] = {
    "cut": lambda first, second: [],
    "cut between detections": lambda first, second: [first] * 2,
    "grey": lambda first, second: [GREY] * 20,
    "fade": lambda first, second: [*dissolve(first, GREY, 8), *dissolve(GREY, second, 8)],
    "short dissolve": lambda first, second: dissolve(first, second, 10),
    "dissolve": lambda first, second: dissolve(first, second, 25),
}


@pytest.mark.parametrize("kind", BETWEEN)
def test_another_face_in_the_same_place(
    predictor: Predictor, people: tuple[Picture, Picture], kind: str
) -> None:
    first, second = people
    alone = [tracks(predictor, [one] * 12)[0].prediction.p_female[0] for one in people]
    between = BETWEEN[kind](first, second)
    found = tracks(predictor, [first] * 20 + between + [second] * 25)
    assert len(found) == 2
    assert [track.prediction.p_female[0] for track in found] == pytest.approx(alone, abs=0.15)
    if kind.startswith("cut"):
        # The detector runs on the first frame of the new scene.
        assert found[1].first_frame == 20 + len(between)


@pytest.mark.parametrize("kind", ["wipe", "short wipe", "dissolve of pictures that move"])
def test_another_person_is_noticed_without_a_change_of_scene(
    predictor: Predictor, people: tuple[Picture, Picture], kind: str
) -> None:
    first, second = people
    alone = [tracks(predictor, [one] * 12)[0].prediction.p_female[0] for one in people]
    if kind == "dissolve of pictures that move":
        between = dissolve(first, second, 14)
    else:
        between = wipe(first, second, 8 if kind == "short wipe" else 20)
    pictures = [first] * 20 + between + [second] * 25
    found = tracks(predictor, swaying(pictures) if "move" in kind else pictures)
    assert len(found) == 2
    assert [track.prediction.p_female[0] for track in found] == pytest.approx(alone, abs=0.15)


def test_one_person_under_other_light_stays_one(
    predictor: Predictor, people: tuple[Picture, Picture]
) -> None:
    for person in people:
        shares = [0.5 - 0.5 * np.cos(n / 8) for n in range(60)]
        dark, red = person // 4, person * np.array([1, 0.4, 0.4])
        blurred = cv2.GaussianBlur(person, (0, 0), 4)
        for other in (dark, red, blurred):
            changing = [mixture(person, other, share) for share in shares]
            assert len(tracks(predictor, swaying([person] * 15 + changing))) == 1


def test_the_same_face_stays_one(predictor: Predictor, people: tuple[Picture, Picture]) -> None:
    first, _ = people
    white = np.full_like(first, 255)
    darker = [mixture(first, GREY * 0, 0.5 + 0.5 * np.cos(n / 5) * 0.8) for n in range(30)]
    for pictures in (
        [first] * 15 + [white] + [first] * 15,
        [first] * 15 + [white * 0] * 8 + [first] * 15,
        darker,
    ):
        assert len(tracks(predictor, pictures)) == 1


def test_a_long_gap_between_two_frames(
    predictor: Predictor, people: tuple[Picture, Picture]
) -> None:
    first, second = people
    times = [n / RATE for n in range(12)] + [6 + n / RATE for n in range(12)]
    assert len(tracks(predictor, [first] * 12 + [second] * 12, times)) == 2
    # A recording of a screen has no frames while nothing changes.
    assert len(tracks(predictor, [first] * 24, times)) == 1
