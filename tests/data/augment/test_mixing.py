import math

import numpy as np
import pytest
import torch

from utkage.data.augment import Mixing, blend, draw_mixing
from utkage.data.sample_random import SampleRandom


def mixed(source: torch.Tensor, mixing: Mixing) -> torch.Tensor:
    return blend(source, source[mixing.partner], mixing.weight)


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 255


def random(count: int, seed: int = 0) -> SampleRandom:
    return SampleRandom(seed, 0, torch.arange(count))


def test_images_are_blended_as_weights_and_partners_say() -> None:
    source = images(50)
    kept = source.clone()
    mixing = draw_mixing(random(50), alpha=1.0, probability=0.5)
    found = mixed(source, mixing)
    assert torch.equal(source, kept)
    share = mixing.weight.view(-1, 1, 1, 1)
    expected = share * source + (1 - share) * source[mixing.partner]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    alone = mixing.weight == 1
    assert 10 < int(alone.sum()) < 40
    assert torch.equal(found[alone], source[alone])
    assert bool(((found - source).abs().amax((1, 2, 3)) > 0)[~alone].all())


def test_partners_are_a_ring_of_the_others() -> None:
    for count in (2, 3, 64):
        partner = draw_mixing(random(count), 0.2, 1.0).partner
        assert sorted(partner.tolist()) == list(range(count))
        at, seen = 0, set()
        while at not in seen:
            seen.add(at)
            at = int(partner[at])
        assert len(seen) == count
    assert draw_mixing(random(1), 0.2, 1.0).partner.tolist() == [0]


def test_order_in_the_batch_does_not_matter() -> None:
    source, samples = images(12), torch.arange(12) * 7
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    first = draw_mixing(SampleRandom(4, 2, samples), 0.4, 0.7)
    second = draw_mixing(SampleRandom(4, 2, samples[order]), 0.4, 0.7)
    assert torch.equal(mixed(source[order], second), mixed(source, first)[order])
    assert torch.equal(second.weight, first.weight[order])
    assert torch.equal(samples[order][second.partner], samples[first.partner][order])


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 4.0])
def test_weights_follow_the_beta_distribution(alpha: float) -> None:
    count = 20000
    weight = draw_mixing(random(count, seed=1), alpha, 1.0).weight.double().numpy()
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
    never = draw_mixing(random(8), 0.2, 0.0)
    assert torch.equal(mixed(source, never), source)
    assert torch.equal(never.weight, torch.ones(8))
    with pytest.raises(ValueError, match="alpha 0"):
        draw_mixing(random(8), 0.0, 0.5)
    with pytest.raises(ValueError, match=r"probability 1\.5"):
        draw_mixing(random(8), 0.2, 1.5)
