from __future__ import annotations

import numpy as np
import pytest

from utkage.evaluation.robustness.corruptions import (
    CORRUPTIONS,
    Corruption,
    blurred,
    coarsened,
    compressed,
    darkened,
    greyed,
    mirrored,
    occluded,
    rotated,
    scaled,
    shifted,
)
from utkage.exporting.parity import synthetic_chips

CHIPS = synthetic_chips(2, 40)


@pytest.fixture
def square() -> np.ndarray:
    """A white square in the middle of a black chip."""
    chips = np.zeros((1, 40, 40, 3), np.uint8)
    chips[:, 10:30, 10:30] = 255
    return chips


def white_share(chips: np.ndarray) -> float:
    return float(chips.mean()) / 255


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_chips_change_and_keep_their_form(corruption: Corruption) -> None:
    before = CHIPS.copy()
    for strength in corruption.strengths:
        found = corruption.corrupt(CHIPS, strength)
        assert (found.shape, found.dtype) == (CHIPS.shape, np.uint8)
        assert not np.array_equal(found, CHIPS)
        np.testing.assert_array_equal(found, corruption.corrupt(CHIPS, strength))
        assert corruption.corrupt(CHIPS[:0], strength).shape == (0, 40, 40, 3)
    np.testing.assert_array_equal(CHIPS, before)


def test_names_are_unique() -> None:
    names = [corruption.name for corruption in CORRUPTIONS]
    assert len(set(names)) == len(names)


def test_the_size_of_a_face(square: np.ndarray) -> None:
    assert white_share(square) == 0.25
    assert white_share(scaled(square, 0.5)) == pytest.approx(0.25 * 0.5**2, abs=0.01)
    assert white_share(scaled(square, 1.5)) == pytest.approx(0.25 * 1.5**2, abs=0.02)


def test_a_shift_goes_right_and_down(square: np.ndarray) -> None:
    moved = shifted(square, 0.1)
    np.testing.assert_array_equal(moved[:, 4:, 4:], square[:, :-4, :-4])


def test_half_a_turn_is_a_mirror_in_both_directions() -> None:
    found = rotated(CHIPS, 180).astype(int)
    assert np.abs(found - CHIPS[:, ::-1, ::-1]).mean() < 1


@pytest.mark.parametrize(("corrupt", "mild", "severe"), [(blurred, 2, 8), (coarsened, 20, 5)])
def test_details_are_lost(corrupt: object, mild: float, severe: float) -> None:
    def detail(chips: np.ndarray) -> float:
        return float(np.abs(np.diff(chips.astype(float), axis=2)).mean())

    found = [detail(corrupt(CHIPS, strength)) for strength in (mild, severe)]  # type: ignore[operator]
    assert detail(CHIPS) > found[0] > found[1]


def test_compression_keeps_the_order_of_the_channels() -> None:
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(compressed(red, 50).astype(int) - red).max() <= 4
    errors = [np.abs(compressed(CHIPS, q).astype(int) - CHIPS).mean() for q in (90, 5)]
    assert errors[0] < errors[1]


def test_darkness_is_measured_in_linear_light() -> None:
    grey = np.full((1, 4, 4, 3), 200, np.uint8)
    linear = (darkened(grey, 0.25).astype(float) / 255) ** 2.2
    np.testing.assert_allclose(linear, 0.25 * (200 / 255) ** 2.2, rtol=0.02)


def test_grey_and_covered_and_mirrored() -> None:
    grey = greyed(CHIPS, 1.0)
    assert np.ptp(grey, axis=-1).max() == 0
    np.testing.assert_array_equal(greyed(CHIPS, 0.0), CHIPS)
    covered = occluded(CHIPS, 0.25)
    np.testing.assert_array_equal(covered[:, :30], CHIPS[:, :30])
    assert set(covered[:, 30:].ravel()) == {127}
    np.testing.assert_array_equal(mirrored(mirrored(CHIPS, 1), 1), CHIPS)
    np.testing.assert_array_equal(mirrored(CHIPS, 0), CHIPS)
