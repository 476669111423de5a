import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from utkage.models.age_heads import corn_distribution
from utkage.training.losses import (
    age_cross_entropy,
    age_divergence,
    age_moments_error,
    coral_loss,
    corn_loss,
    expected_age_error,
    gender_loss,
    ordinal_age_labels,
    soft_age_labels,
    threshold_probabilities,
    thresholds_passed,
)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def logits(count: int, years: int = 117, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (count, years)))


@given(st.lists(st.integers(0, 116), min_size=1, max_size=20), st.floats(0.5, 3), st.floats(0, 0.1))
def test_soft_labels_are_distributions_around_the_age(
    ages: list[int], base: float, slope: float
) -> None:
    labels = soft_age_labels(torch.tensor(ages), 117, base, slope, 4.0)
    assert labels.shape == (len(ages), 117)
    torch.testing.assert_close(labels.sum(1), torch.ones(len(ages)))
    assert labels.argmax(1).tolist() == ages


@pytest.mark.parametrize("age", [20, 40, 60, 90])
def test_soft_labels_have_the_asked_deviation(age: int) -> None:
    labels = soft_age_labels(torch.tensor([age]), 117, 1.0, 0.05, 4.0)[0].double().numpy()
    years = np.arange(117)
    mean = labels @ years
    assert mean == pytest.approx(age, abs=1e-4)
    deviation = np.sqrt(labels @ (years - mean) ** 2)
    assert deviation == pytest.approx(min(1.0 + 0.05 * age, 4.0), rel=1e-3)


def test_divergence_against_a_slow_reference() -> None:
    values, targets = logits(4), softmax(logits(4, seed=1).numpy())
    predicted = softmax(values.numpy())
    expected = [
        sum(targets[n, y] * np.log(targets[n, y] / predicted[n, y]) for y in range(117))
        for n in range(4)
    ]
    found = age_divergence(values, torch.from_numpy(targets))
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


def test_divergence_is_zero_at_the_target_and_nowhere_below() -> None:
    values = logits(5)
    targets = torch.softmax(values, dim=1)
    assert age_divergence(values + 3, targets).tolist() == pytest.approx([0] * 5, abs=1e-9)
    assert bool((age_divergence(logits(5, seed=2), targets) > 0.1).all())


def test_divergence_of_very_narrow_labels_is_finite() -> None:
    labels = soft_age_labels(torch.tensor([0, 116]), 117, 0.05, 0.0, 4.0)
    assert float(labels[0, 116]) == 0
    assert bool(age_divergence(logits(2).float(), labels).isfinite().all())


def test_expected_age_against_a_slow_reference() -> None:
    values, ages = logits(4), [3, 50, 116, 0]
    predicted = softmax(values.numpy())
    expected = [abs(sum(y * predicted[n, y] for y in range(117)) - ages[n]) for n in range(4)]
    found = expected_age_error(values, torch.tensor(ages))
    assert found.tolist() == pytest.approx(expected, rel=1e-9)
    single = expected_age_error(values.float(), torch.tensor(ages))
    assert single.tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("distance", ["absolute", "square"])
@pytest.mark.parametrize("width", [1.0, 2.5])
def test_ordinal_labels_against_a_slow_reference(distance: str, width: float) -> None:
    ages = [0, 40, 116]
    found = ordinal_age_labels(torch.tensor(ages), 117, distance, width).double().numpy()
    for row, age in zip(found, ages, strict=True):
        apart = [abs(year - age) / width for year in range(117)]
        powers = [math.exp(-(d * d if distance == "square" else d)) for d in apart]
        np.testing.assert_allclose(row, np.array(powers) / sum(powers), rtol=1e-4, atol=1e-30)


def test_cross_entropy_against_a_slow_reference() -> None:
    values, ages = logits(4), [3, 50, 116, 0]
    expected = [-math.log(softmax(values.numpy())[n, ages[n]]) for n in range(4)]
    assert age_cross_entropy(values, torch.tensor(ages)).tolist() == pytest.approx(expected)


def test_mean_and_variance_against_a_slow_reference() -> None:
    values, ages = logits(4), [3, 50, 116, 0]
    predicted, expected = softmax(values.numpy()), []
    for row, age in zip(predicted, ages, strict=True):
        mean = sum(year * row[year] for year in range(117))
        variance = sum(row[year] * (year - mean) ** 2 for year in range(117))
        expected.append(0.2 * (mean - age) ** 2 / 2 + 0.05 * variance)
    found = age_moments_error(values, torch.tensor(ages), 0.2, 0.05)
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


AGES = [0, 1, 50, 115, 116]
PASSED = thresholds_passed(torch.tensor(AGES), 116)


def test_coral_against_a_slow_reference() -> None:
    values = logits(5, 116)
    expected = []
    for row, age in zip(values.tolist(), AGES, strict=True):
        total = 0.0
        for k, value in enumerate(row):
            total -= math.log(sigmoid(value)) if age > k else math.log(1 - sigmoid(value))
        expected.append(total)
    assert coral_loss(values, PASSED).tolist() == pytest.approx(expected, rel=1e-9)


def test_corn_against_a_slow_reference() -> None:
    values = logits(5, 116)
    expected = [0.0] * 5
    # As the paper does: a question after the other, each for those faces that it concerns.
    for k in range(116):
        for n, age in enumerate(AGES):
            if age > k - 1:
                passed = sigmoid(float(values[n, k]))
                expected[n] -= math.log(passed) if age > k else math.log(1 - passed)
    found = corn_loss(values, PASSED)
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


def test_corn_is_the_likelihood_of_the_year() -> None:
    values = logits(5, 116)
    likely = corn_distribution(values)[torch.arange(5), torch.tensor(AGES)]
    torch.testing.assert_close(corn_loss(values, PASSED), -torch.log(likely))


def test_certain_distributions_pass_as_their_ages_do() -> None:
    certain = torch.nn.functional.one_hot(torch.tensor(AGES), 117).double()
    torch.testing.assert_close(threshold_probabilities(certain), PASSED.double())


def test_uncertain_ages_cost_what_their_years_cost_on_average() -> None:
    values, years = logits(1, 116), torch.arange(117)
    distribution = torch.softmax(logits(1, 117, seed=2), dim=1)
    passed, each = threshold_probabilities(distribution), thresholds_passed(years, 116)
    for loss in (coral_loss, corn_loss):
        expected = distribution[0] @ loss(values.expand(117, -1), each)
        torch.testing.assert_close(loss(values, passed)[0], expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.4])
def test_gender_loss_against_a_slow_reference(smoothing: float) -> None:
    values, genders = np.array([-3.0, 0.2, 5.0, 40.0]), [0, 1, 0, 1]
    expected = []
    for value, gender in zip(values, genders, strict=True):
        female = 1 / (1 + np.exp(-value))
        wanted = 1 - smoothing / 2 if gender else smoothing / 2
        # log(1 - sigmoid(x)) without losing everything at large x.
        male = -(value + np.log1p(np.exp(-value)))
        expected.append(-wanted * np.log(female) - (1 - wanted) * male)
    found = gender_loss(torch.from_numpy(values), torch.tensor(genders), smoothing)
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


def test_smoothed_gender_loss_is_least_at_its_target() -> None:
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    female = torch.tensor([1])
    losses = [float(gender_loss(value[None], female, 0.05)) for value in grid]
    best = torch.sigmoid(grid[int(np.argmin(losses))])
    assert float(best) == pytest.approx(0.975, abs=1e-3)


LABELS = torch.tensor([2, 11, 5])
TARGETS = torch.softmax(logits(3, 12, seed=1), dim=1)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: age_divergence(x, TARGETS),
        lambda x: age_divergence(x, ordinal_age_labels(LABELS, 12, "absolute", 2.0).double()),
        lambda x: age_cross_entropy(x, LABELS),
        lambda x: expected_age_error(x, LABELS),
        lambda x: age_moments_error(x, LABELS, 0.2, 0.05),
        lambda x: coral_loss(x, thresholds_passed(LABELS, 12)),
        lambda x: corn_loss(x, thresholds_passed(LABELS, 12)),
        lambda x: gender_loss(x[:, 0], torch.tensor([0, 1, 1]), 0.05),
    ],
    ids=["dldl", "sord", "cross_entropy", "l1", "moments", "coral", "corn", "gender"],
)
def test_gradients(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert torch.autograd.gradcheck(function, logits(3, 12).requires_grad_())
