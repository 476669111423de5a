import math

import numpy as np
import pytest
import torch

from utkage.core.errors import ConfigError
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.augment.geometry import DETECTION_JITTER
from utkage.data.sample_random import SampleRandom


def images_of(chips: torch.Tensor) -> torch.Tensor:
    """The chips without any variation, as networks take them."""
    return chips.permute(0, 3, 1, 2).float()


def chips(count: int = 4, size: int = 40, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def varied(source: torch.Tensor, size: int, config: AugmentConfig, seed: int = 0) -> torch.Tensor:
    return augment(source, size, config, SampleRandom(seed, 0, torch.arange(len(source))))


def only(**changes: float) -> AugmentConfig:
    return AugmentConfig(**{**vars(NO_AUGMENTATION), **changes})


@pytest.mark.parametrize("size", [32, 40, 56])
def test_shape_kind_and_range(size: int) -> None:
    source = chips(8)
    kept = source.clone()
    for seed in range(5):
        images = varied(source, size, AugmentConfig(), seed=seed)
        assert images.shape == (8, 3, size, size)
        assert images.dtype == torch.float32
        assert float(images.min()) >= 0
        assert float(images.max()) <= 255
        assert bool(torch.isfinite(images).all())
    assert torch.equal(source, kept), "the chips themselves stay as they are"


def test_the_seed_decides_everything() -> None:
    first = varied(chips(), 32, AugmentConfig(), 1)
    torch.manual_seed(99)
    assert torch.equal(first, varied(chips(), 32, AugmentConfig(), 1))
    assert not torch.equal(first, varied(chips(), 32, AugmentConfig(), 2))


def test_chips_of_a_batch_vary_on_their_own() -> None:
    same = chips(1).expand(6, -1, -1, -1)
    images = varied(same, 40, only(rotation=12.0, brightness=0.3))
    for index in range(1, 6):
        assert not torch.allclose(images[0], images[index])


def test_no_strength_is_no_change() -> None:
    assert torch.equal(varied(chips(), 40, NO_AUGMENTATION), images_of(chips()))


def test_no_strength_only_resamples_at_another_size() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    smooth = torch.stack([y * 3, x * 3, (x + y) * 1.5], dim=-1).round().to(torch.uint8)[None]
    images = varied(smooth, 32, NO_AUGMENTATION)
    expected = torch.nn.functional.avg_pool2d(images_of(smooth), 2)
    torch.testing.assert_close(images, expected, atol=1.5, rtol=0)


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


def test_grey_has_no_colour() -> None:
    images = varied(chips(), 40, only(grey=1.0))
    torch.testing.assert_close(images[:, 0], images[:, 1])
    torch.testing.assert_close(images[:, 0], images[:, 2])
    assert float(images.std()) > 1


def test_brightness_multiplies() -> None:
    flat = torch.full((50, 40, 40, 3), 100, dtype=torch.uint8)
    levels = varied(flat, 40, only(brightness=0.3))[:, 0, 20, 20]
    assert 65 < float(levels.min()) < 80
    assert 120 < float(levels.max()) < 135


STRONG = AugmentConfig(blur=0.5, soften=0.5, jpeg=0.5, erase=0.5, grey=0.3)


@pytest.mark.parametrize(("side", "size"), [(40, 40), (72, 40), (100, 48)])
def test_a_chip_is_varied_alike_in_every_batch(side: int, size: int) -> None:
    source, samples = chips(24, side), torch.arange(24) * 101
    whole = augment(source, size, STRONG, SampleRandom(3, 5, samples))
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    shuffled = augment(source[order], size, STRONG, SampleRandom(3, 5, samples[order]))
    # What is drawn is the same to the bit; sums may be rounded otherwise in other shapes.
    torch.testing.assert_close(shuffled, whole[order], atol=1e-2, rtol=0)
    for part in (1, 5):
        pieces = [
            augment(some, size, STRONG, SampleRandom(3, 5, numbers))
            for some, numbers in zip(source.split(part), samples.split(part), strict=True)
        ]
        torch.testing.assert_close(torch.cat(pieces), whole, atol=1e-2, rtol=0)


def test_epochs_and_samples_vary_differently() -> None:
    source = chips(1).expand(8, -1, -1, -1)
    first = augment(source, 40, STRONG, SampleRandom(0, 0, torch.arange(8)))
    second = augment(source, 40, STRONG, SampleRandom(0, 1, torch.arange(8)))
    moved = augment(source, 40, STRONG, SampleRandom(0, 0, torch.arange(8) + 1))
    for index in range(8):
        assert not torch.allclose(first[index], second[index])
        assert not torch.allclose(first[index], moved[index])


def test_memory_is_channels_last() -> None:
    for config in (AugmentConfig(), NO_AUGMENTATION):
        images = varied(chips(8), 40, config)
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_random_numbers_of_other_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="3 samples for 4 chips"):
        augment(chips(4), 40, AugmentConfig(), SampleRandom(0, 0, torch.arange(3)))


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


def test_colours_as_one_would_compute_them_one_after_the_other() -> None:
    source = chips(50)
    config = only(brightness=0.3, contrast=0.3, saturation=0.4)
    images = varied(source, 40, config)
    plain = images_of(source).double()
    luma = (plain * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    middle = luma.mean((1, 2, 3), keepdim=True)
    for index in range(50):
        # Three unknown strengths, found by least squares where nothing was cut off.
        inside = (images[index] > 0) & (images[index] < 255)
        terms = [plain[index], luma[index].expand(3, -1, -1), middle[index].expand(3, 40, 40)]
        matrix = torch.stack([term[inside] for term in terms], dim=1)
        values = images[index][inside].double()
        solution = torch.linalg.lstsq(matrix, values.unsqueeze(1)).solution.squeeze(1)
        torch.testing.assert_close(matrix @ solution, values, atol=0.01, rtol=0)
        own, from_luma, from_middle = solution.tolist()
        brightness = own + from_luma + from_middle
        contrast = (own + from_luma) / brightness
        saturation = own / (own + from_luma)
        assert 0.7 <= brightness <= 1.3
        assert 0.7 - 1e-4 <= contrast <= 1.3 + 1e-4
        assert 0.6 - 1e-4 <= saturation <= 1.4 + 1e-4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flip": 1.5}, "flip is 1.5; it must be 0 to 1"),
        ({"rotation": -1.0}, "rotation is -1.0; it must be 0 to 180"),
        ({"scale": 2.0}, "scale is 2.0"),
        ({"shift": 0.6}, "shift is 0.6"),
        ({"jitter": -0.1}, "jitter is -0.1"),
        ({"brightness": float("nan")}, "brightness is nan"),
        ({"blur_sigma": 0.5}, "blur sigma is 0.5"),
        ({"jpeg_quality": 0}, "JPEG quality is 0; it must be 1 to 95"),
        ({"mixup": 1.1}, "mixup is 1.1"),
        ({"mixup_alpha": 0.0}, "mixup alpha is 0.0"),
    ],
)
def test_impossible_strengths_are_named(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        only(**changes)
