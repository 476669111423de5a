from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import ParityError
from utkage.exporting.parity import Parity, compare, synthetic_chips
from utkage.exporting.precision import PRECISIONS
from utkage.models.card import Card
from utkage.prediction.predictions import Predictions

RandomPredictions = Callable[..., Predictions]

AGE_LIMIT = PRECISIONS["fp32"].age or 0.0


@pytest.fixture
def truth(random_predictions: RandomPredictions) -> Predictions:
    return random_predictions(6)


def parity(card: Card, truth: Predictions, other: Predictions) -> Parity:
    return compare(truth, other, card.point_estimate)


def test_equal_predictions_pass(card: Card, truth: Predictions) -> None:
    found = parity(card, truth, truth)
    assert found == Parity(
        chips=6,
        max_age_difference=0.0,
        max_median_difference=0.0,
        max_probability_difference=0.0,
        range_flips=0,
        gender_flips=0,
    )
    found.require(Path("a.onnx"))


@pytest.mark.parametrize("share", [0.9, 1.1, np.nan])
def test_an_age_over_the_limit_fails(card: Card, truth: Predictions, share: float) -> None:
    age = truth.age.copy()
    age[4] -= share * AGE_LIMIT
    found = parity(card, truth, replace(truth, age=age))
    np.testing.assert_allclose(found.max_age_difference, share * AGE_LIMIT)
    if share == 0.9:
        found.require(Path("a.onnx"))
        return
    with pytest.raises(ParityError, match=r"a\.onnx: not written.*6 chips"):
        found.require(Path("a.onnx"))


def test_one_flipped_gender_fails(card: Card, truth: Predictions) -> None:
    p_female = np.full(6, 0.5 + 2e-4)
    first, other = replace(truth, p_female=p_female), p_female.copy()
    other[0] = 0.4999
    found = parity(card, first, replace(first, p_female=other))
    assert found.gender_flips == 1
    with pytest.raises(ParityError, match="gender on 1"):
        found.require(Path("a.onnx"))


def test_one_flipped_range_fails(card: Card, truth: Predictions) -> None:
    ranges = truth.range_probabilities.copy()
    ranges[2] = np.roll(ranges[2], 1)
    found = parity(card, truth, replace(truth, range_probabilities=ranges))
    assert found.range_flips == 1
    with pytest.raises(ParityError, match="age range on 1,"):
        found.require(Path("a.onnx"))


def test_ties_of_probabilities_pass(card: Card, truth: Predictions) -> None:
    even = np.zeros((6, 9))
    even[:, 3:5] = 0.5
    even[:, 3] += 1e-6
    other = np.zeros((6, 9))
    other[:, 3:5] = 0.5
    other[:, 4] += 1e-6
    first = replace(truth, range_probabilities=even, p_female=np.full(6, 0.5 + 1e-6))
    second = replace(truth, range_probabilities=other, p_female=np.full(6, 0.5 - 1e-6))
    parity(card, first, second).require(Path("a.onnx"))


@pytest.mark.parametrize("slack", [1e-6, -1e-6, 1e-3, -1e-3])
def test_a_tie_of_whole_year_medians_passes(card: Card, truth: Predictions, slack: float) -> None:
    """Half of the distribution lies up to year 30 except for ``slack``; the file predicts 31."""
    distribution = np.zeros((6, 117))
    distribution[:, [30, 31]] = [0.5 + slack, 0.5 - slack]
    card = replace(card, point_estimate="whole-year median")
    first = replace(truth, age_distribution=distribution, age=np.full(6, 30.0 + (slack < 0)))
    second = replace(first, age=np.full(6, 31.0 - (slack < 0)))
    found = parity(card, first, second)
    assert found.max_age_difference == (0 if abs(slack) < 1e-4 else 1)
    third = replace(first, age=np.full(6, 32.0))
    assert parity(card, first, third).max_age_difference >= 1


@pytest.mark.parametrize("difference", [0.05, np.nan])
def test_a_probability_over_the_limit_fails_without_a_flip(
    card: Card, truth: Predictions, difference: float
) -> None:
    first = replace(truth, p_female=np.full(6, 0.2))
    second = replace(truth, p_female=np.full(6, 0.2 + difference))
    found = parity(card, first, second)
    assert found.gender_flips == 0
    np.testing.assert_allclose(found.max_probability_difference, difference)
    with pytest.raises(ParityError, match=r"a\.onnx"):
        found.require(Path("a.onnx"))


def test_a_moved_distribution_fails_behind_equal_whole_years(
    card: Card, truth: Predictions
) -> None:
    card = replace(card, point_estimate="whole-year median")
    distribution = np.zeros((6, 117))
    distribution[:, 30] = 1.0
    moved = distribution.copy()
    moved[:, [29, 30]] = [0.3, 0.7]
    first = replace(truth, age_distribution=distribution, age=np.full(6, 30.0))
    found = parity(card, first, replace(first, age_distribution=moved))
    assert found.max_age_difference == 0
    # Before, 0.5 of the year's mass preceded the median; now (0.5 - 0.3) / 0.7 does.
    assert found.max_median_difference == pytest.approx(0.5 - 0.2 / 0.7)
    with pytest.raises(ParityError):
        found.require(Path("a.onnx"), limits=PRECISIONS["fp16"])


def test_int8_may_differ_but_must_be_finite(card: Card, truth: Predictions) -> None:
    other = replace(truth, age=truth.age + 3, p_female=1 - truth.p_female)
    found = parity(card, truth, other)
    assert found.gender_flips
    found.require(Path("a.onnx"), limits=PRECISIONS["int8"])
    nothing = replace(truth, p_female=np.full(6, np.nan))
    with pytest.raises(ParityError):
        parity(card, truth, nothing).require(Path("a.onnx"), limits=PRECISIONS["int8"])


def test_synthetic_chips_vary_and_are_reproducible() -> None:
    chips = synthetic_chips(12, 48, seed=3)
    assert chips.shape == (12, 48, 48, 3)
    assert chips.dtype == np.uint8
    np.testing.assert_array_equal(chips, synthetic_chips(12, 48, seed=3))
    assert not np.array_equal(chips, synthetic_chips(12, 48, seed=4))
    np.testing.assert_array_equal(chips[:5], synthetic_chips(5, 48, seed=3))
    assert len({chip.tobytes() for chip in chips}) == 12
    assert chips.reshape(12, -1).std(axis=1).min() > 5
