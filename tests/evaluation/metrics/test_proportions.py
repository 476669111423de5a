"""Intervals of shares: against sums of binomial tails, and by simulated persons."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utkage.evaluation.metrics.proportions import effective_faces, proportion


def tail(k: int, n: int, p: float) -> float:
    """Probability of at least k successes."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize(("k", "n"), [(0, 12), (1, 1), (3, 40), (20, 40), (39, 40), (7, 7)])
def test_faces_of_different_persons_have_the_interval_of_clopper_and_pearson(
    k: int, n: int
) -> None:
    found = proportion(np.arange(n) < k, np.arange(n) + 5)
    assert (found.value, found.n) == (k / n, n)
    assert found.low is not None
    assert found.high is not None
    assert found.low == 0 if k == 0 else tail(k, n, found.low) == pytest.approx(0.025)
    assert found.high == 1 if k == n else tail(k + 1, n, found.high) == pytest.approx(0.975)


def test_no_faces_have_no_share() -> None:
    empty = np.empty(0, dtype=np.int64)
    found = proportion(empty == 0, empty)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)


def slow_effective_faces(values: list[int], groups: list[int]) -> float:
    from scipy.stats import t

    n, persons = len(values), sorted(set(groups))
    share = sum(values) / n
    between = 0.0
    for person in persons:
        own = sum(values[i] - share for i in range(n) if groups[i] == person)
        between += own**2
    between *= len(persons) / (len(persons) - 1) / n**2
    design_effect = between / (share * (1 - share) / (n - 1))
    few = t.ppf(0.975, n - 1) / t.ppf(0.975, len(persons) - 1)
    return float(min(n, n / design_effect * few**2))


@pytest.mark.parametrize("seed", range(5))
def test_pictures_of_one_person_count_for_less(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, 30, 90)
    chosen = random.random(30)[groups] < random.random(90)
    expected = slow_effective_faces(chosen.astype(int).tolist(), groups.tolist())
    assert effective_faces(chosen.astype(float), groups) == pytest.approx(expected)
    assert expected < 90
    together, apart = proportion(chosen, groups), proportion(chosen, np.arange(90))
    assert together.value == apart.value
    assert (together.low or 0) < (apart.low or 0)
    assert (together.high or 1) > (apart.high or 1)


def test_copies_of_every_face_change_almost_nothing() -> None:
    chosen = np.arange(60) < 15
    once = proportion(chosen, np.arange(60))
    four = proportion(np.repeat(chosen, 4), np.repeat(np.arange(60), 4))
    assert (four.low, four.high) == pytest.approx((once.low, once.high), abs=0.005)
    assert four.n == 240


@pytest.mark.parametrize("value", [False, True])
def test_where_all_pictures_agree_persons_are_counted(value: bool) -> None:
    many = proportion(np.full(100, value), np.arange(100) % 4)
    four = proportion(np.full(4, value), np.arange(4))
    assert (many.low, many.high) == (four.low, four.high)
    one = proportion(np.array([True, False]), np.zeros(2, dtype=np.int64))
    assert one.low == pytest.approx(0.006, abs=0.03)


def test_the_interval_covers_the_share_of_the_population() -> None:
    random = np.random.default_rng(0)
    covered = naive = 0
    for _ in range(400):
        persons = random.beta(0.3, 2.7, 40)
        groups = np.repeat(np.arange(40), 5)
        chosen = random.random(200) < persons[groups]
        own, alone = proportion(chosen, groups), proportion(chosen, np.arange(200))
        covered += (own.low or 0) <= 0.1 <= (own.high or 1)
        naive += (alone.low or 0) <= 0.1 <= (alone.high or 1)
    assert covered / 400 >= 0.93
    # Pictures that are counted as persons promise too much.
    assert naive < covered - 20
