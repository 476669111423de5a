import math

import numpy as np
import pytest
import torch

from utkage.data.augment import mix
from utkage.data.sample_random import SampleRandom


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 255


def random(count: int, seed: int = 0) -> SampleRandom:
    return SampleRandom(seed, 0, torch.arange(count))


def test_images_are_blended_as_weights_and_partners_say() -> None:
    source = images(50)
    kept = source.clone()
    mixed = mix(source, random(50), alpha=1.0, probability=0.5)
    assert torch.equal(source, kept)
    share = mixed.weight.view(-1, 1, 1, 1)
    expected = share * source + (1 - share) * source[mixed.partner]
    torch.testing.assert_close(mixed.images, expected, atol=1e-3, rtol=0)
    alone = mixed.weight == 1
    assert 10 < int(alone.sum()) < 40
    assert torch.equal(mixed.images[alone], source[alone])
    assert bool(((mixed.images - source).abs().amax((1, 2, 3)) > 0)[~alone].all())


def test_partners_are_a_ring_of_the_others() -> None:
    for count in (2, 3, 64):
        partner = mix(images(count), random(count), 0.2, 1.0).partner
        assert sorted(partner.tolist()) == list(range(count))
        at, seen = 0, set()
        while at not in seen:
            seen.add(at)
            at = int(partner[at])
        assert len(seen) == count
    assert mix(images(1), random(1), 0.2, 1.0).partner.tolist() == [0]


def test_order_in_the_batch_does_not_matter() -> None:
    source, samples = images(12), torch.arange(12) * 7
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    first = mix(source, SampleRandom(4, 2, samples), 0.4, 0.7)
    second = mix(source[order], SampleRandom(4, 2, samples[order]), 0.4, 0.7)
    assert torch.equal(second.images, first.images[order])
    assert torch.equal(second.weight, first.weight[order])
    assert torch.equal(samples[order][second.partner], samples[first.partner][order])


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 4.0])
def test_weights_follow_the_beta_distribution(alpha: float) -> None:
    count = 20000
    source = torch.zeros(count, 3, 1, 1)
    weight = mix(source, random(count, seed=1), alpha, 1.0).weight.double().numpy()
    assert weight.min() >= 0
    assert weight.max() <= 1
    # Beta(alpha, alpha): mean, variance, and fourth moment about the mean by its kurtosis.
    variance = 1 / (4 * (2 * alpha + 1))
    assert weight.mean() == pytest.approx(0.5, abs=4 * math.sqrt(variance / count))
    assert weight.var() == pytest.approx(variance, rel=0.03)
    kurtosis = 3 - 6 / (2 * alpha + 3)
    assert np.mean((weight - 0.5) ** 4) == pytest.approx(kurtosis * variance**2, rel=0.05)
    if alpha == 1.0:
        shares = np.histogram(weight, bins=10, range=(0, 1))[0] / count
        np.testing.assert_allclose(shares, 0.1, atol=0.01)


def test_never_and_wrong_calls() -> None:
    source = images(8)
    never = mix(source, random(8), 0.2, 0.0)
    assert torch.equal(never.images, source)
    assert torch.equal(never.weight, torch.ones(8))
    with pytest.raises(ValueError, match="7 samples for 8 images"):
        mix(source, random(7), 0.2, 0.5)
    with pytest.raises(ValueError, match="alpha 0"):
        mix(source, random(8), 0.0, 0.5)
    with pytest.raises(ValueError, match=r"probability 1\.5"):
        mix(source, random(8), 0.2, 1.5)
