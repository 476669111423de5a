import doctest
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.data.labels import RANGE_NAMES
from utkage.prediction import predictions as module
from utkage.prediction.predictions import Predictions, distribution_quantile

RandomPredictions = Callable[..., Predictions]
EDGES = np.arange(118) - 0.5


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.05, 3), st.floats(0.001, 0.999))
def test_quantiles_against_interpolation(seed: int, spread: float, quantile: float) -> None:
    random = np.random.default_rng(seed)
    distribution = random.dirichlet(np.full(117, spread), 4) * 0.999 + 0.001 / 117
    expected = [
        max(0.0, float(np.interp(quantile, np.concatenate([[0], np.cumsum(row)]), EDGES)))
        for row in distribution
    ]
    found = distribution_quantile(distribution, quantile)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    higher = distribution_quantile(distribution, min(1.0, quantile + 0.05))
    assert (higher >= found).all()
    # A distribution that does not sum to one exactly has the same quantiles.
    np.testing.assert_allclose(distribution_quantile(distribution * 1.01, quantile), found)


def test_quantiles_at_the_ends() -> None:
    certain = np.eye(117)[[0, 40, 116]]
    assert distribution_quantile(certain, 0.5).tolist() == [0, 40, 116]
    np.testing.assert_allclose(distribution_quantile(certain, 1.0), [0.5, 40.5, 116.5])
    assert (distribution_quantile(certain, 0.0) >= 0).all()
    np.testing.assert_allclose(distribution_quantile(certain, 0.1), [0, 39.6, 115.6])


def test_intervals_nest_around_the_median(random_predictions: RandomPredictions) -> None:
    predictions = random_predictions(20)
    middle = distribution_quantile(predictions.age_distribution, 0.5)
    inner_low, inner_high = predictions.age_interval(0.5)
    outer_low, outer_high = predictions.age_interval(0.8)
    assert (outer_low <= inner_low).all()
    assert (inner_low <= middle).all()
    assert (middle <= inner_high).all()
    assert (inner_high <= outer_high).all()
    low, high = predictions.age_interval(0.0)
    np.testing.assert_allclose(low, middle)
    np.testing.assert_allclose(high, middle)


def test_an_interval_holds_the_promised_mass(random_predictions: RandomPredictions) -> None:
    predictions = random_predictions(10)
    low, high = predictions.age_interval(0.8)
    for row in range(10):
        cumulative = np.concatenate([[0], np.cumsum(predictions.age_distribution[row])])
        ends = np.interp([low[row], high[row]], EDGES, cumulative)
        assert ends[1] == pytest.approx(0.9, abs=1e-6)
        assert ends[0] == pytest.approx(0.1, abs=1e-6) or low[row] == 0


def test_gender_and_range_follow_the_probabilities() -> None:
    ranges = np.zeros((3, 9))
    ranges[range(3), [8, 0, 4]] = 1
    predictions = Predictions(
        np.zeros(3), np.full((3, 117), 1 / 117), ranges, np.array([0.49, 0.5, 0.9])
    )
    assert predictions.gender.tolist() == [0, 1, 1]
    assert predictions.range_index.tolist() == [8, 0, 4]
    assert predictions.range_names == [RANGE_NAMES[8], RANGE_NAMES[0], RANGE_NAMES[4]]
    assert predictions.gender.dtype == predictions.range_index.dtype == np.int64


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_parts_join_to_the_whole(lengths: list[int]) -> None:
    random = np.random.default_rng(0)
    count = sum(lengths)
    whole = Predictions(
        random.random(count),
        random.random((count, 117)),
        random.random((count, 9)),
        random.random(count),
    )
    parts, first = [], 0
    for length in lengths:
        parts.append(whole[first : first + length])
        assert len(parts[-1]) == length
        first += length
    joined = Predictions.concatenate(parts)
    assert len(joined) == count
    for name, value in vars(whole).items():
        np.testing.assert_array_equal(getattr(joined, name), value)


def test_nothing_joined_is_empty_but_well_formed() -> None:
    empty = Predictions.concatenate([])
    assert len(empty) == 0
    assert empty.age_distribution.shape == (0, 117)
    assert empty.range_probabilities.shape == (0, 9)
    assert empty.gender.shape == empty.range_index.shape == (0,)
    assert empty.range_names == []
    assert [end.shape for end in empty.age_interval(0.8)] == [(0,), (0,)]


def test_indexing_iterating_and_filtering(random_predictions: RandomPredictions) -> None:
    predictions = random_predictions(6)
    first = predictions[0]
    assert len(first) == 1
    assert first.age_distribution.shape == (1, 117)
    assert predictions[-1].age[0] == predictions.age[5]
    assert predictions[1:4].p_female.tolist() == predictions.p_female[1:4].tolist()
    assert predictions[[4, 2]].age.tolist() == predictions.age[[4, 2]].tolist()
    women = predictions[predictions.p_female >= 0.5]
    assert (women.gender == 1).all()
    assert len(women) == predictions.gender.sum()
    assert [float(one.age[0]) for one in predictions] == predictions.age.tolist()
    with pytest.raises(IndexError):
        _ = predictions[6]
    assert repr(predictions) == "<Predictions for 6 faces>"
    assert len(str(predictions).splitlines()) == 7


def test_the_example() -> None:
    assert doctest.testmod(module).attempted
    assert doctest.testmod(module).failed == 0
