import pytest
import torch
from tests.support.augmented_chips import chips, images_of, only, varied

from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.sample_random import SampleRandom


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


STRONG = AugmentConfig(blur=0.5, soften=0.5, jpeg=0.5, erase=0.5, grey=0.3)


@pytest.mark.parametrize(("chip_size", "size"), [(40, 40), (72, 40), (100, 48)])
def test_a_chip_is_varied_alike_in_every_batch(chip_size: int, size: int) -> None:
    source, samples = chips(24, chip_size), torch.arange(24) * 101
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
