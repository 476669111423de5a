import math

import numpy as np
import pytest
import torch

from utkage.data.sample_random import SampleRandom, _advance

COUNT = 20000
SAMPLES = torch.arange(COUNT)


def drawn(seed: int = 0, epoch: int = 0, stream: int = 0) -> np.ndarray:
    return SampleRandom(seed, epoch, SAMPLES).uniform(stream).double().numpy()


def distance_to_uniform(numbers: np.ndarray) -> float:
    """The Kolmogorov-Smirnov statistic times the root of the count; 1.95 has p = 0.001."""
    ordered = np.sort(numbers)
    ranks = np.arange(len(ordered) + 1) / len(ordered)
    gap = max(np.abs(ordered - ranks[1:]).max(), np.abs(ordered - ranks[:-1]).max())
    return float(gap * math.sqrt(len(ordered)))


def test_the_published_sequence() -> None:
    # The first outputs of SplitMix64 from 1234567, as its authors' C code gives them.
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    found = _advance(torch.arange(5), 1234567)
    assert [value % 2**64 for value in found.tolist()] == expected


@pytest.mark.parametrize(("seed", "epoch", "stream"), [(0, 0, 0), (7, 3, 11), (2**31 - 1, 49, 28)])
def test_numbers_are_uniform(seed: int, epoch: int, stream: int) -> None:
    numbers = drawn(seed, epoch, stream)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert distance_to_uniform(numbers) < 1.95
    # Also of one sample from epoch to epoch, and from stream to stream.
    one = torch.tensor([12345])
    by_epoch = [float(SampleRandom(seed, e, one).uniform(stream)) for e in range(2000)]
    assert distance_to_uniform(np.array(by_epoch)) < 1.95
    by_stream = [float(SampleRandom(seed, epoch, one).uniform(s)) for s in range(2000)]
    assert distance_to_uniform(np.array(by_stream)) < 1.95


def test_every_bit_is_set_half_of_the_time() -> None:
    bits = SampleRandom(0, 0, SAMPLES).bits(3)
    for place in range(64):
        share = float(((bits >> place) & 1).float().mean())
        assert abs(share - 0.5) < 4 * 0.5 / math.sqrt(COUNT), place


def test_streams_epochs_seeds_and_samples_are_independent() -> None:
    base = drawn()
    others = [
        *(drawn(stream=stream) for stream in range(1, 30)),
        *(drawn(epoch=epoch) for epoch in range(1, 10)),
        *(drawn(seed=seed) for seed in range(1, 10)),
        # Neighbouring samples.
        *(np.roll(base, shift) for shift in range(1, 10)),
    ]
    for other in others:
        # A correlation of independent numbers has the standard deviation 1 / root of the count.
        assert abs(np.corrcoef(base, other)[0, 1]) < 4 / math.sqrt(COUNT)
        cells = np.histogram2d(base, other, bins=8, range=[[0, 1], [0, 1]])[0]
        chi_square = float(((cells - COUNT / 64) ** 2 / (COUNT / 64)).sum())
        # 63 degrees of freedom: p = 0.0001 at 110.
        assert chi_square < 110


def test_seed_and_epoch_are_not_interchangeable() -> None:
    assert not np.array_equal(drawn(seed=1, epoch=2), drawn(seed=2, epoch=1))
    assert not np.array_equal(drawn(seed=0, epoch=1), drawn(seed=1, epoch=0))


def test_numbers_do_not_depend_on_the_batch() -> None:
    samples = torch.tensor([5, 0, 19811, 77, 123456789])
    whole = SampleRandom(3, 2, samples)
    shuffled = SampleRandom(3, 2, samples.flip(0))
    part = whole.rows(torch.tensor([3, 1]))
    assert len(part) == 2
    for draw in ("bits", "uniform", "normal"):
        numbers = getattr(whole, draw)(4)
        assert torch.equal(numbers, getattr(shuffled, draw)(4).flip(0))
        assert torch.equal(numbers[[3, 1]], getattr(part, draw)(4))
        for index in range(len(samples)):
            alone = getattr(SampleRandom(3, 2, samples[index : index + 1]), draw)(4)
            assert torch.equal(alone, numbers[index : index + 1])


def test_numbers_are_the_same_again_and_untouched_by_the_global_seed() -> None:
    torch.manual_seed(1)
    first = drawn(5, 6, 7)
    torch.manual_seed(2)
    assert np.array_equal(first, drawn(5, 6, 7))


def test_bounds() -> None:
    numbers = SampleRandom(0, 0, SAMPLES).uniform(0, -3.0, 5.0)
    assert float(numbers.min()) == pytest.approx(-3, abs=0.01)
    assert float(numbers.max()) == pytest.approx(5, abs=0.01)


def test_normal_numbers() -> None:
    numbers = SampleRandom(0, 0, SAMPLES).normal(2).double().numpy()
    as_uniform = 0.5 * (1 + np.vectorize(math.erf)(numbers / math.sqrt(2)))
    assert distance_to_uniform(as_uniform) < 1.95
    assert np.abs(numbers).max() < 5.8


def test_chances() -> None:
    random = SampleRandom(0, 0, SAMPLES)
    assert not bool(random.chance(0, 0.0).any())
    assert bool(random.chance(0, 1.0).all())
    assert float(random.chance(0, 0.3).float().mean()) == pytest.approx(0.3, abs=0.015)


def test_positions_inside_of_samples() -> None:
    random = SampleRandom(0, 0, torch.tensor([8, 9]))
    places = torch.arange(COUNT)
    rows = torch.zeros_like(places)
    first, second = random.bits_at(1, rows, places), random.bits_at(1, rows + 1, places)
    assert distance_to_uniform((first.double() / 2.0**64 + 0.5).numpy()) < 1.95
    assert abs(np.corrcoef(first.double(), second.double())[0, 1]) < 4 / math.sqrt(COUNT)
    alone = SampleRandom(0, 0, torch.tensor([9])).bits_at(1, rows[:3], places[100:103])
    assert torch.equal(alone, second[100:103])


@pytest.mark.parametrize("samples", [torch.zeros(3), torch.zeros(3, 1, dtype=torch.int64)])
def test_samples_are_a_row_of_int64(samples: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="not int64"):
        SampleRandom(0, 0, samples)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_devices_agree() -> None:
    here, there = SampleRandom(3, 4, SAMPLES), SampleRandom(3, 4, SAMPLES.cuda())
    assert torch.equal(here.bits(5), there.bits(5).cpu())
    assert torch.equal(here.uniform(5), there.uniform(5).cpu())
