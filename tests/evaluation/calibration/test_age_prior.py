"""The correction of a prior over ages finds what was bent, and leaves alone what it cannot know."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.core.errors import DataError
from utkage.data.labels import AGE_COUNT
from utkage.evaluation.calibration.age_prior import (
    KNOTS,
    PRIOR_SCALE,
    fit_age_prior,
    fit_range_prior,
)
from utkage.evaluation.inputs.labelled_predictions import ranges_of

YEARS = np.arange(AGE_COUNT)


def honest(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ages drawn from the very distributions that are predicted."""
    random = np.random.default_rng(seed)
    middle = random.uniform(1, 80, n)
    logits = -0.5 * ((YEARS - middle[:, None]) / (1 + 0.08 * middle[:, None])) ** 2
    distributions = np.exp(logits)
    distributions /= distributions.sum(axis=1, keepdims=True)
    drawn = (distributions.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1)
    return np.minimum(drawn, AGE_COUNT - 1).astype(np.int64), distributions


def tilted(distributions: NDArray[np.float64], added: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = distributions * np.exp(added)
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))


def likelihood(ages: NDArray[np.int64], distributions: NDArray[np.float64]) -> float:
    inside = ranges_of(YEARS)[None, :] == ranges_of(ages)[:, None]
    return float(np.log(np.where(inside, distributions, 0).sum(axis=1)).mean())


def test_a_bent_prior_is_straightened() -> None:
    ages, distributions = honest(20_000)
    # Thirty-year-olds are taken to be rarer, and the old commoner, than they are.
    bent = np.interp(YEARS, KNOTS, (0, 0, 0, 0, 0, -0.8, 0, 0, 0.8, 0.8))
    found = fit_age_prior(ages, tilted(distributions, bent))
    assert found.shape == (AGE_COUNT,)
    # Only differences count: a constant added to all years is nothing.
    left = (found + bent)[10:75]
    assert np.ptp(bent[10:75]) > 1.5
    assert np.ptp(left) < 0.4
    gained = likelihood(ages, tilted(tilted(distributions, bent), found))
    assert gained == pytest.approx(likelihood(ages, distributions), abs=0.002)
    assert gained > likelihood(ages, tilted(distributions, bent)) + 0.01


def test_an_honest_prior_stays() -> None:
    ages, distributions = honest(20_000, seed=1)
    found = fit_age_prior(ages, distributions)
    assert np.abs(found).max() < 0.2
    gained = likelihood(ages, tilted(distributions, found)) - likelihood(ages, distributions)
    assert 0 <= gained < 0.0005


def test_few_faces_move_little() -> None:
    ages, distributions = honest(100, seed=2)
    assert np.abs(fit_age_prior(ages, distributions)).max() < PRIOR_SCALE
    with pytest.raises(DataError, match="99 faces are too few for an age prior"):
        fit_age_prior(ages[:99], distributions[:99])


def test_it_is_the_maximum() -> None:
    """No small step of one knot gains."""
    ages, distributions = honest(2_000, seed=3)
    bent = tilted(distributions, np.interp(YEARS, (0, 85), (0, 0.8)))
    found = fit_age_prior(ages, bent)

    def goal(knots: NDArray[np.float64]) -> float:
        added = np.interp(YEARS, KNOTS, knots)
        penalty = (knots**2).sum() / (2 * PRIOR_SCALE**2)
        return len(ages) * likelihood(ages, tilted(bent, added)) - float(penalty)

    knots = found[list(KNOTS)]
    best = goal(knots)
    for index in range(len(KNOTS)):
        for step in (-0.02, 0.02):
            other = knots.copy()
            other[index] += step
            assert goal(other) < best


def ranged(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ranges drawn from the probabilities that are predicted."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(9, 0.5), n)
    drawn = (probabilities.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1)
    return np.minimum(drawn, 8).astype(np.int64), probabilities


@pytest.mark.parametrize("sharpness", [1.0, 0.6])
def test_a_bent_prior_over_ranges_is_straightened(sharpness: float) -> None:
    ranges, probabilities = ranged(20_000)
    bent = np.array([0.4, 0, 0, -0.6, 0, 0, 0.5, 0, -0.3])
    predicted = probabilities**sharpness * np.exp(bent)
    predicted /= predicted.sum(axis=1, keepdims=True)
    found = fit_range_prior(ranges, predicted)
    left = found + bent
    np.testing.assert_allclose(left - left.mean(), 0, atol=0.1)
    moved = np.log(predicted) + found
    assert (moved.argmax(axis=1) == ranges).mean() == pytest.approx(
        (probabilities.argmax(axis=1) == ranges).mean(), abs=0.004
    )
    assert (predicted.argmax(axis=1) == ranges).mean() < (moved.argmax(axis=1) == ranges).mean()


def test_too_few_ranges() -> None:
    with pytest.raises(DataError, match="99 faces are too few for an age prior"):
        fit_range_prior(*ranged(99))
