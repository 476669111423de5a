import numpy as np
import pytest
import torch

from utkage.data.augment import AugmentConfig, augment

NOTHING = AugmentConfig(
    flip=0.0,
    rotation=0.0,
    scale=0.0,
    shift=0.0,
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    grey=0.0,
    soften=0.0,
    erase=0.0,
)


def images_of(chips: torch.Tensor) -> torch.Tensor:
    """The chips without any variation, as networks take them."""
    return chips.permute(0, 3, 1, 2).float()


def chips(count: int = 4, size: int = 40, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def only(**changes: float) -> AugmentConfig:
    return AugmentConfig(**{**vars(NOTHING), **changes})


@pytest.mark.parametrize("size", [32, 40, 56])
def test_shape_kind_and_range(size: int) -> None:
    source = chips(8)
    kept = source.clone()
    for seed in range(5):
        images = augment(source, size, AugmentConfig(), generator(seed))
        assert images.shape == (8, 3, size, size)
        assert images.dtype == torch.float32
        assert float(images.min()) >= 0
        assert float(images.max()) <= 255
        assert bool(torch.isfinite(images).all())
    assert torch.equal(source, kept), "the chips themselves stay as they are"


def test_the_generator_decides_everything() -> None:
    first = augment(chips(), 32, AugmentConfig(), generator(1))
    torch.manual_seed(99)
    assert torch.equal(first, augment(chips(), 32, AugmentConfig(), generator(1)))
    assert not torch.equal(first, augment(chips(), 32, AugmentConfig(), generator(2)))


def test_chips_of_a_batch_vary_on_their_own() -> None:
    same = chips(1).expand(6, -1, -1, -1)
    images = augment(same, 40, only(rotation=12.0, brightness=0.3), generator())
    for index in range(1, 6):
        assert not torch.allclose(images[0], images[index])


def test_no_strength_is_no_change() -> None:
    images = augment(chips(), 40, NOTHING, generator())
    torch.testing.assert_close(images, images_of(chips()), atol=0.02, rtol=0)


def test_no_strength_only_resamples_at_another_size() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    smooth = torch.stack([y * 3, x * 3, (x + y) * 1.5], dim=-1).round().to(torch.uint8)[None]
    images = augment(smooth, 32, NOTHING, generator())
    expected = torch.nn.functional.avg_pool2d(images_of(smooth), 2)
    torch.testing.assert_close(images, expected, atol=1.5, rtol=0)


def test_flip_mirrors() -> None:
    mirrored = augment(chips(), 40, only(flip=1.0), generator())
    torch.testing.assert_close(mirrored, images_of(chips()).flip(3), atol=0.02, rtol=0)


def test_half_of_the_chips_are_flipped() -> None:
    source = chips(1).expand(200, -1, -1, -1)
    images = augment(source, 40, only(flip=0.5), generator())
    plain = images_of(chips(1))
    flipped = int(((images - plain).abs().amax(dim=(1, 2, 3)) > 1).sum())
    assert 70 <= flipped <= 130


def test_shift_moves_by_the_stated_share() -> None:
    # One bright column: its place afterwards is the shift.
    source = torch.zeros(64, 40, 40, 3, dtype=torch.uint8)
    source[:, 18:22, 18:22] = 200
    images = augment(source, 40, only(shift=0.1), generator())[:, 0]
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
    area = augment(source, 60, only(scale=0.2), generator())[:, 0].sum(dim=(1, 2)) / (200 * 400)
    assert float(area.max()) <= 1.2**2 + 0.03
    assert float(area.min()) >= 1.2**-2 - 0.03
    assert float(area.max()) > 1.2
    assert float(area.min()) < 0.85


def test_rotation_turns_to_both_sides_up_to_its_angle() -> None:
    source = torch.zeros(64, 60, 60, 3, dtype=torch.uint8)
    source[:, 28:32, 8:52] = 200
    images = augment(source, 60, only(rotation=20.0), generator())[:, 0].double()
    y, x = torch.meshgrid(torch.arange(60.0) - 29.5, torch.arange(60.0) - 29.5, indexing="ij")
    xy, xx = (images * x * y).sum((1, 2)), (images * x * x).sum((1, 2))
    yy = (images * y * y).sum((1, 2))
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * xy, xx - yy))
    assert 15 < float(degrees.max()) <= 20.5
    assert -20.5 <= float(degrees.min()) < -15


def test_grey_has_no_colour() -> None:
    images = augment(chips(), 40, only(grey=1.0), generator())
    torch.testing.assert_close(images[:, 0], images[:, 1])
    torch.testing.assert_close(images[:, 0], images[:, 2])
    assert float(images.std()) > 1


def test_brightness_multiplies() -> None:
    flat = torch.full((50, 40, 40, 3), 100, dtype=torch.uint8)
    levels = augment(flat, 40, only(brightness=0.3), generator())[:, 0, 20, 20]
    assert 65 < float(levels.min()) < 80
    assert 120 < float(levels.max()) < 135


def test_soften_takes_detail_away_only() -> None:
    images = augment(chips(), 40, only(soften=1.0), generator())
    plain = images_of(chips())
    rough = (plain[..., 1:] - plain[..., :-1]).abs().mean()
    smooth = (images[..., 1:] - images[..., :-1]).abs().mean()
    assert float(smooth) < 0.8 * float(rough)
    torch.testing.assert_close(images.mean((2, 3)), plain.mean((2, 3)), atol=6, rtol=0)


def test_erase_covers_one_rectangle() -> None:
    flat = torch.full((20, 40, 40, 3), 100, dtype=torch.uint8)
    images = augment(flat, 40, only(erase=1.0), generator())
    for image in images:
        changed = (image - 100).abs().amax(dim=0) > 0.01
        rows, columns = changed.any(1).nonzero(), changed.any(0).nonzero()
        box = (int(rows.max() - rows.min()) + 1) * (int(columns.max() - columns.min()) + 1)
        assert int(changed.sum()) >= 0.97 * box
        assert 0.01 < box / 1600 < 0.25
