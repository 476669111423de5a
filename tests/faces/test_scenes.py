from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.faces.scenes import (
    Break,
    SceneChange,
    SceneChanges,
    correlation,
    face_patch,
    similarity_of_faces,
)
from utkage.images.decode import load_image

Grey = NDArray[np.uint8]
RATE = 25
BLANK = np.full((240, 240), 128, np.uint8)


@pytest.fixture(scope="module")
def scenes(examples: Path) -> tuple[Grey, Grey]:
    """Two grey pictures of different people."""
    shown = []
    for name in ("28-38_male", "0-4_female"):
        (path,) = (examples / "faces").glob(f"{name}*")
        shown.append(cv2.resize(cv2.cvtColor(load_image(path), cv2.COLOR_RGB2GRAY), (240, 240)))
    return shown[0], 255 - shown[1]


def changes(pictures: list[Grey], times: list[float] | None = None) -> list[SceneChange]:
    found = SceneChanges(gap=1.0)
    seconds = times or [number / RATE for number in range(len(pictures))]
    updates = [found.update(one, at) for one, at in zip(pictures, seconds, strict=True)]
    return [change for change in updates if change is not None]


def mixed(first: Grey, second: Grey, count: int) -> list[Grey]:
    shares = [(number + 1) / (count + 1) for number in range(count)]
    return [np.rint(first * (1 - s) + second * s).astype(np.uint8) for s in shares]


def test_kinds_of_changes(scenes: tuple[Grey, Grey]) -> None:
    first, second = scenes
    assert changes([first] * 30) == []
    (cut,) = changes([first] * 9 + [second] * 9)
    assert (cut.kind, cut.since) == (Break.CUT, pytest.approx(8 / RATE))
    assert cut.similarity < 0.6
    assert {c.kind for c in changes([first] * 9 + [BLANK] * 9 + [second] * 9)} == {Break.BLANK}
    dissolving = [first] * 12 + mixed(first, second, 20) + [second] * 12
    found = changes(dissolving)
    assert {change.kind for change in found} == {Break.DISSOLVE}
    assert found[0].since == pytest.approx(11 / RATE, abs=0.2)


def test_brightness_and_contrast_are_no_change(scenes: tuple[Grey, Grey]) -> None:
    first, _ = scenes
    darker = [np.rint(first * (1 - 0.02 * n)).astype(np.uint8) for n in range(30)]
    assert changes(darker) == []


def test_a_long_pause_counts_as_blank_unless_frames_are_always_rare(
    scenes: tuple[Grey, Grey],
) -> None:
    first, _ = scenes
    (change,) = changes([first] * 6, [0.0, 0.04, 0.08, 0.12, 5.0, 5.04])
    assert (change.kind, change.similarity) == (Break.BLANK, pytest.approx(1))
    rare = changes([first] * 6, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    assert [change.since for change in rare] == [0.0], "only until the usual interval is known"


def test_correlation_is_that_of_pearson() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 8, 8)).astype(np.float32)
    expected = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert correlation(first, second) == pytest.approx(expected, abs=1e-5)
    assert correlation(first, 3 * first + 7) == pytest.approx(1, abs=1e-5)
    assert correlation(first, np.zeros((8, 8), np.float32)) == 0


def test_patches_of_one_face_are_alike_even_if_shifted(scenes: tuple[Grey, Grey]) -> None:
    first, second = scenes
    box = (40.0, 40.0, 200.0, 200.0)
    patch = face_patch(first, 1.0, box)
    assert patch.shape == (24, 24)
    shifted = face_patch(np.roll(first, 8, axis=1), 1.0, box)
    assert similarity_of_faces(patch, shifted) > 0.95
    assert similarity_of_faces(patch, face_patch(second, 1.0, box)) < 0.75
    half = cv2.resize(first, (120, 120), interpolation=cv2.INTER_AREA)
    assert similarity_of_faces(patch, face_patch(half, 0.5, box)) > 0.95


def test_a_box_beyond_the_picture_resembles_nothing(scenes: tuple[Grey, Grey]) -> None:
    first, _ = scenes
    nothing = face_patch(first, 1.0, (300.0, 300.0, 340.0, 340.0))
    assert not nothing.any()
    assert similarity_of_faces(nothing, face_patch(first, 1.0, (0.0, 0.0, 240.0, 240.0))) == 0
