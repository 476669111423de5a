"""The search by bands against comparing every pair."""

import numpy as np
import pytest

from utkage.preparation.audit import band_search, near_pairs
from utkage.preparation.audit.band_plan import RECALL, BandPlan, plan_bands
from utkage.preparation.audit.band_search import pairs_by_bands
from utkage.preparation.audit.exact_search import all_near_pairs, distance_shares
from utkage.preparation.audit.near_pairs import STEPS, TooManyPairsError, merged_pairs
from utkage.preparation.audit.perceptual import inverted_by_mirroring

PLAN = BandPlan(width=24, shuffles=70)


class Steps:
    """Counts the progress."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done.append(steps)


def planted(distance: int, count: int, seed: int = 0) -> np.ndarray:
    """Random hashes followed by a copy of each with so many bits changed, half of them mirrored."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (count, 256)).astype(bool)
    flips = np.argsort(random.random((count, 256)), axis=1) < distance
    copies = bits ^ flips
    copies[::2] ^= inverted_by_mirroring()
    return np.packbits(np.concatenate([bits, copies]), axis=1)


def by_bands(hashes: np.ndarray, plan: BandPlan = PLAN, **options: int) -> np.ndarray:
    return merged_pairs([pairs for _, pairs in pairs_by_bands(hashes, 44, plan, **options)])


def exact(hashes: np.ndarray, max_distance: int = 44) -> np.ndarray:
    return merged_pairs([pairs for _, pairs in all_near_pairs(hashes, max_distance)])


@pytest.mark.parametrize(("distance", "share"), [(0, 1.0), (20, 1.0), (40, 0.99), (44, 0.985)])
def test_bands_find_the_pairs_at_each_distance(distance, share):
    hashes = planted(distance, 1000)
    found, every = (set(map(tuple, pairs.tolist())) for pairs in (by_bands(hashes), exact(hashes)))
    assert len(every) == 1000
    assert {bits for *_, bits in every} == {distance}
    assert found <= every
    assert len(found) >= share * len(every)


def test_bands_report_no_pair_that_is_too_far_apart():
    assert len(by_bands(planted(45, 500))) == 0


def test_the_planned_recall_is_that_of_the_search():
    plan = BandPlan(width=24, shuffles=8)
    hashes = planted(40, 3000, seed=5)
    share = np.mean([len(by_bands(hashes, plan, seed=seed)) / 3000 for seed in range(3)])
    assert share == pytest.approx(plan.recall(40), abs=0.05)
    assert 0.4 < plan.recall(40) < 0.8


def test_samples_that_seem_too_far_apart_lower_the_planned_recall_as_they_do_that_of_the_search():
    hashes = planted(40, 3000, seed=6)
    strict = BandPlan(width=24, shuffles=30, most_in_sample=10)
    share = np.mean([len(by_bands(hashes, strict, seed=seed)) / 3000 for seed in range(3)])
    assert share == pytest.approx(strict.recall(40), abs=0.05)
    assert strict.recall(40) < BandPlan(width=24, shuffles=30).recall(40) - 0.05
    planned = plan_bands(2_000_000, 44, distance_shares(planted(60, 500)))
    assert planned.most_in_sample < 30


def test_result_depends_on_neither_threads_nor_repetition():
    hashes = planted(44, 300)
    few = BandPlan(width=24, shuffles=5)
    first = by_bands(hashes, few)
    assert 0 < len(first) < 300
    np.testing.assert_array_equal(first, by_bands(hashes, few, workers=3))
    assert len(by_bands(hashes, few, seed=1)) != len(first)


def test_counting_bits_without_the_function_of_numpy_2(monkeypatch):
    hashes = planted(30, 50)
    few = BandPlan(width=24, shuffles=10)
    expected = by_bands(hashes, few)
    assert len(expected) > 0
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    np.testing.assert_array_equal(by_bands(hashes, few), expected)


def test_plan_reaches_its_recall_for_any_distance_and_leaves_the_hopeless_to_all_pairs():
    shares = distance_shares(planted(60, 500))
    for distance in (0, 10, 44, 60):
        plan = plan_bands(2_000_000, distance, shares)
        assert plan is not None
        assert plan.recall(distance) >= RECALL
        assert plan.recall(distance) <= plan.recall(max(distance - 1, 0))
    assert plan_bands(2_000_000, 120, shares) is None
    assert plan_bands(2_000, 44, shares) is None


def test_planned_time_grows_more_slowly_than_the_power_1_3():
    shares = distance_shares(planted(60, 500))
    small, large = (plan_bands(count, 44, shares) for count in (100_000, 2_000_000))
    assert large.seconds < small.seconds * 20**1.3


def test_small_sets_are_exact_and_large_ones_use_bands(monkeypatch):
    hashes = planted(44, 800)
    np.testing.assert_array_equal(near_pairs.near_pairs(hashes, 44), exact(hashes))
    monkeypatch.setattr(near_pairs, "EXACT_UP_TO", 10)
    monkeypatch.setattr(near_pairs, "_SAMPLE", 100)
    monkeypatch.setattr(near_pairs, "plan_bands", lambda *_: BandPlan(24, 3))
    assert 0 < len(near_pairs.near_pairs(hashes, 44)) < 800


@pytest.mark.parametrize("exact_up_to", [10, 10_000])
def test_progress_reaches_all_steps(monkeypatch, exact_up_to):
    monkeypatch.setattr(near_pairs, "EXACT_UP_TO", exact_up_to)
    monkeypatch.setattr(near_pairs, "_SAMPLE", 100)
    monkeypatch.setattr(near_pairs, "plan_bands", lambda *_: BandPlan(24, 3))
    steps = Steps()
    near_pairs.near_pairs(planted(10, 200), 44, task=steps)
    assert sum(steps.done) == STEPS
    assert min(steps.done) >= 0


def test_too_many_pairs_end_the_search(monkeypatch):
    monkeypatch.setattr(near_pairs, "MOST_PAIRS", 1000)
    with pytest.raises(TooManyPairsError):
        near_pairs.near_pairs(np.zeros((100, 32), np.uint8), 44)


def test_a_band_that_many_hashes_share_costs_a_bounded_number_of_comparisons(monkeypatch):
    monkeypatch.setattr(band_search, "_MOST_PARTNERS", 5)
    pairs = by_bands(np.zeros((200, 32), np.uint8), BandPlan(24, 1))
    # Each with the next five.
    assert len(pairs) == 5 * 200 - 15
