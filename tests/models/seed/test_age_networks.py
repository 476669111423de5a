from __future__ import annotations

import pytest
import torch

from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet


def images(count: int, size: int = 32) -> torch.Tensor:
    return torch.rand((count, 3, size, size), generator=torch.Generator().manual_seed(0)) * 255


@pytest.mark.parametrize("size", [32, 50, 64])
def test_nine_ranges_at_every_size(size: int) -> None:
    torch.manual_seed(0)
    assert AgeRangeNet().eval()(images(3, size)).shape == (3, 9)
    ages = AgeEstimationNet().eval()(images(3, size), torch.tensor([0, 4, 8]))
    assert ages.shape == (3,)


def test_the_correction_is_added_to_the_middle_of_the_range() -> None:
    torch.manual_seed(0)
    network = AgeEstimationNet().eval()
    last = network.regressor[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, 0.2)
    ages = network(images(9), torch.arange(9))
    torch.testing.assert_close(ages, network.middles + 2.0)
    assert bool((network.middles.diff() > 0).all())


def test_the_age_depends_on_the_range_and_on_the_image() -> None:
    torch.manual_seed(0)
    network = AgeEstimationNet().eval()
    pictures = images(2)
    found = network(pictures, torch.tensor([3, 3]))
    assert not torch.isclose(found[0], found[1])
    assert not torch.isclose(found[0], network(pictures, torch.tensor([6, 3]))[0])


@pytest.mark.parametrize(("bias", "limit"), [(-50.0, 0.0), (50.0, 116.0)])
def test_ages_are_clamped_outside_of_training_only(bias: float, limit: float) -> None:
    network = AgeEstimationNet()
    torch.nn.init.constant_(network.regressor[-1].bias, bias)  # type: ignore[arg-type]
    pictures, ranges = images(2), torch.tensor([0, 8])
    assert network.eval()(pictures, ranges).tolist() == [limit, limit]
    free = network.train()(pictures, ranges)
    assert bool((free < 0).all() if bias < 0 else (free > 116).all())
