"""Mirroring, rotation, scale, shift and the jitter of detected faces."""

import math

import pytest
import torch
from tests.support.augmented_chips import chips, images_of, only, varied

from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.augment.geometry import DETECTION_JITTER, Framing
from utkage.data.sample_random import SampleRandom


def test_flip_mirrors() -> None:
    mirrored = varied(chips(), 40, only(flip=1.0))
    torch.testing.assert_close(mirrored, images_of(chips()).flip(3), atol=0.02, rtol=0)


def test_half_of_the_chips_are_flipped() -> None:
    source = chips(1).expand(200, -1, -1, -1)
    images = varied(source, 40, only(flip=0.5))
    plain = images_of(chips(1))
    flipped = int(((images - plain).abs().amax(dim=(1, 2, 3)) > 1).sum())
    assert 70 <= flipped <= 130


def test_shift_moves_by_the_stated_share() -> None:
    # One bright column: its place afterwards is the shift.
    source = torch.zeros(64, 40, 40, 3, dtype=torch.uint8)
    source[:, 18:22, 18:22] = 200
    images = varied(source, 40, only(shift=0.1))[:, 0]
    grid = torch.arange(40.0)
    mass = images.sum(dim=(1, 2))
    for axis in (1, 2):
        place = (images.sum(dim=axis) * grid).sum(1) / mass - 19.5
        assert float(place.abs().max()) <= 4.0 + 0.01
        assert float(place.abs().max()) > 2.5
        assert float(place.mean().abs()) < 1.0


def test_scale_stays_within_its_share() -> None:
    source = torch.zeros(64, 60, 60, 3, dtype=torch.uint8)
    source[:, 20:40, 20:40] = 200
    area = varied(source, 60, only(scale=0.2))[:, 0].sum(dim=(1, 2)) / (200 * 400)
    assert float(area.max()) <= 1.2**2 + 0.03
    assert float(area.min()) >= 1.2**-2 - 0.03
    assert float(area.max()) > 1.2
    assert float(area.min()) < 0.85


def test_rotation_turns_to_both_sides_up_to_its_angle() -> None:
    source = torch.zeros(64, 60, 60, 3, dtype=torch.uint8)
    source[:, 28:32, 8:52] = 200
    images = varied(source, 60, only(rotation=20.0))[:, 0].double()
    y, x = torch.meshgrid(torch.arange(60.0) - 29.5, torch.arange(60.0) - 29.5, indexing="ij")
    xy, xx = (images * x * y).sum((1, 2)), (images * x * x).sum((1, 2))
    yy = (images * y * y).sum((1, 2))
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * xy, xx - yy))
    assert 15 < float(degrees.max()) <= 20.5
    assert -20.5 <= float(degrees.min()) < -15


def places(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Turn in degrees, logarithm of the size, and shift (N, 2) in pixels of two drawn dots."""
    y, x = torch.meshgrid(*(torch.arange(float(images.shape[2])),) * 2, indexing="ij")

    def middle(dot: torch.Tensor) -> torch.Tensor:
        mass = dot.sum((1, 2))
        return torch.stack([(dot * x).sum((1, 2)), (dot * y).sum((1, 2))], dim=1) / mass[:, None]

    left, right = middle(images[:, 0].double()), middle(images[:, 2].double())
    across = right - left
    degrees = torch.rad2deg(torch.atan2(across[:, 1], across[:, 0]))
    shift = (left + right) / 2 - (images.shape[2] - 1) / 2
    return degrees, torch.log(across.norm(dim=1) / 40), shift


def two_dots(count: int) -> torch.Tensor:
    source = torch.zeros(count, 80, 80, 3, dtype=torch.uint8)
    source[:, 37:43, 17:23, 0] = 200
    source[:, 37:43, 57:63, 2] = 200
    return source


def spread(config: AugmentConfig, count: int = 600) -> dict[str, tuple[float, float]]:
    degrees, size, shift = places(varied(two_dots(count), 80, config))
    columns = {"degrees": degrees, "size": size, "x": shift[:, 0] / 80, "y": shift[:, 1] / 80}
    return {name: (float(c.mean()), float(c.std())) for name, c in columns.items()}


def test_the_map_is_recovered_from_drawn_dots() -> None:
    found = spread(only(rotation=12.0, scale=0.15))
    # A uniform distribution of +-a has the standard deviation a / root of 3.
    assert found["degrees"] == pytest.approx((0, 12 / math.sqrt(3)), rel=0.06, abs=0.8)
    assert found["size"] == pytest.approx((0, math.log(1.15) / math.sqrt(3)), rel=0.06, abs=0.01)
    found = spread(only(shift=0.06))
    for axis in "xy":
        assert found[axis] == pytest.approx((0, 0.06 / math.sqrt(3)), rel=0.06, abs=0.004)
    assert found["degrees"] == pytest.approx((0, 0), abs=1e-3)


def test_jitter_is_that_of_detections() -> None:
    for strength in (1.0, 2.0):
        found = spread(only(jitter=strength))
        wanted = {
            "degrees": DETECTION_JITTER.rotation,
            "size": DETECTION_JITTER.log_scale,
            "x": DETECTION_JITTER.shift_x,
            "y": DETECTION_JITTER.shift_y,
        }
        for name, deviation in wanted.items():
            mean, found_deviation = found[name]
            assert found_deviation == pytest.approx(strength * deviation, rel=0.1), name
            assert abs(mean) < 4 * strength * deviation / math.sqrt(600), name


def test_defaults_cover_detections() -> None:
    # 95 % of a normal distribution lie within two standard deviations.
    config = AugmentConfig()
    assert config.rotation >= 2 * DETECTION_JITTER.rotation
    assert math.log1p(config.scale) >= 2 * DETECTION_JITTER.log_scale
    assert config.shift >= 2 * max(DETECTION_JITTER.shift_x, DETECTION_JITTER.shift_y)


def test_shear_moves_the_edges_and_keeps_the_middle() -> None:
    source = torch.zeros(16, 41, 41, 3, dtype=torch.uint8)
    source[:, :, 18:23] = 200
    seen = varied(source, 41, only(shear=0.3))
    columns = torch.arange(41.0)
    centres = (seen[:, 0] * columns).sum(2) / seen[:, 0].sum(2)
    torch.testing.assert_close(centres[:, 20], torch.full((16,), 20.0), atol=0.2, rtol=0)
    assert float((centres[:, 8] - centres[:, 32]).abs().max()) > 4


def test_framing_shows_the_middle_or_a_black_margin() -> None:
    source, still = chips(3, 48), SampleRandom(0, 0, torch.arange(3))
    narrow = augment(source, 32, NO_AUGMENTATION, still, Framing(width=32 / 48))
    torch.testing.assert_close(narrow, images_of(source)[:, :, 8:40, 8:40], atol=0.02, rtol=0)
    wide = augment(source, 64, NO_AUGMENTATION, still, Framing(width=64 / 48))
    torch.testing.assert_close(wide[:, :, 8:56, 8:56], images_of(source), atol=0.02, rtol=0)
    assert float(wide[:, :, :7].abs().max()) == 0


def test_a_blank_margin_leaves_the_chip_without_margin() -> None:
    source = chips(400, 40)
    source += source == 0
    random = SampleRandom(0, 0, torch.arange(400))
    seen = augment(source, 40, only(blank=0.25), random, Framing(face=32 / 40))
    blank = (seen[:, :, :4] == 0).flatten(1).all(1)
    assert 0.15 < float(blank.float().mean()) < 0.35
    assert torch.equal(seen[:, :, 4:36, 4:36], images_of(source)[:, :, 4:36, 4:36])
    assert torch.equal(seen[~blank], images_of(source)[~blank])
