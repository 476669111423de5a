from __future__ import annotations

import numpy as np
import pytest

from utkage.core.errors import ConfigError
from utkage.faces.contract import CropContract, utkface_contract
from utkage.faces.recrop import recrop, recrop_aligned

STANDARD = utkface_contract(64)
WIDE = utkface_contract(64, margin=0.125)


def noise(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_a_margin_moves_the_template_and_keeps_the_resolution() -> None:
    assert (WIDE.size, WIDE.without_margin()) == (80, STANDARD)
    assert WIDE.margin == pytest.approx(0.125)
    assert STANDARD.margin == 0
    assert STANDARD.without_margin() is STANDARD
    assert STANDARD.width_ratio(WIDE) == pytest.approx(80 / 64)
    assert WIDE.width_ratio(STANDARD) == pytest.approx(64 / 80)
    assert WIDE.width_ratio(WIDE.at_size(160)) == pytest.approx(1)
    assert not WIDE.fits(STANDARD)


def test_crops_with_other_centres_have_no_ratio() -> None:
    shifted = CropContract(64, tuple((x + 4, y) for x, y in STANDARD.template))
    assert STANDARD.width_ratio(shifted) is None
    chips = noise(2, 64)
    assert recrop(chips, STANDARD, shifted) is not None
    np.testing.assert_array_equal(recrop(chips, STANDARD, shifted), chips)


def test_a_narrower_crop_is_the_middle() -> None:
    chips = noise(3, 80)
    np.testing.assert_array_equal(recrop(chips, WIDE, STANDARD), chips[:, 8:72, 8:72])


def test_a_wider_crop_has_a_black_margin() -> None:
    chips = noise(3, 64)
    wide = recrop(chips, STANDARD, WIDE)
    np.testing.assert_array_equal(wide[:, 8:72, 8:72], chips)
    wide[:, 8:72, 8:72] = 0
    assert not wide.any()
    np.testing.assert_array_equal(recrop(recrop(chips, STANDARD, WIDE), WIDE, STANDARD), chips)


def test_halving_averages_pixels() -> None:
    chips = noise(7, 64)
    mean = chips.reshape(7, 32, 2, 32, 2, 3).astype(float).mean((2, 4))
    halved = recrop(chips, STANDARD, STANDARD.at_size(32))
    assert float(np.abs(halved - mean).max()) <= 0.51


def test_the_same_crop_is_returned_as_it_is() -> None:
    chips = noise(2, 80)
    assert np.shares_memory(recrop(chips, WIDE, WIDE), chips)


def test_aligned_pictures_of_any_size_fill_the_part_without_margin() -> None:
    grey = np.full((200, 200, 3), 90, dtype=np.uint8)
    chip = recrop_aligned(grey, WIDE)
    assert chip.shape == (80, 80, 3)
    assert (chip[8:72, 8:72] == 90).all()
    assert not chip[:8].any()
    assert not chip[:, 72:].any()


def test_small_chips_with_a_large_margin_have_a_part_without_it() -> None:
    smallest = utkface_contract(160, margin=0.5).at_size(32)
    assert smallest.without_margin().size == 16
    assert smallest.margin == 0.5
    chip = recrop_aligned(noise(1, 64)[0], smallest)
    assert (chip.shape, chip[:8].max(), chip[8:24, 8:24].min() < 255) == ((32, 32, 3), 0, True)
    with pytest.raises(ConfigError, match=r"chip size 31 is outside 32\.\.1024 pixels"):
        utkface_contract(31)


def test_a_crop_is_widened_at_its_own_resolution() -> None:
    wide = STANDARD.as_wide_as([STANDARD.at_size(160), WIDE.at_size(160), STANDARD])
    assert (wide.size, wide.margin, wide.without_margin()) == (80, 0.125, STANDARD)
    assert WIDE.as_wide_as([STANDARD]) is WIDE
    assert STANDARD.as_wide_as([]) is STANDARD
    chips = noise(2, 64)
    middle = recrop(recrop(chips, STANDARD, wide), wide, STANDARD)
    np.testing.assert_array_equal(middle, chips)
