import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utkage.engines.training.losses import (
    age_divergence,
    expected_age_error,
    gender_loss,
    soft_age_labels,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def logits(count: int, years: int = 117, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (count, years)))


@settings(deadline=None)
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
    expected = np.mean(
        [
            sum(targets[n, y] * np.log(targets[n, y] / predicted[n, y]) for y in range(117))
            for n in range(4)
        ]
    )
    found = age_divergence(values, torch.from_numpy(targets))
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_divergence_is_zero_at_the_target_and_nowhere_below() -> None:
    values = logits(5)
    targets = torch.softmax(values, dim=1)
    assert float(age_divergence(values + 3, targets)) == pytest.approx(0, abs=1e-9)
    assert float(age_divergence(logits(5, seed=2), targets)) > 0.1


def test_divergence_of_very_narrow_labels_is_finite() -> None:
    labels = soft_age_labels(torch.tensor([0, 116]), 117, 0.05, 0.0, 4.0)
    assert float(labels[0, 116]) == 0
    assert np.isfinite(float(age_divergence(logits(2).float(), labels)))


def test_expected_age_against_a_slow_reference() -> None:
    values, ages = logits(4), [3, 50, 116, 0]
    predicted = softmax(values.numpy())
    expected = np.mean(
        [abs(sum(y * predicted[n, y] for y in range(117)) - ages[n]) for n in range(4)]
    )
    found = expected_age_error(values, torch.tensor(ages))
    assert float(found) == pytest.approx(expected, rel=1e-6)
    single = expected_age_error(values.float(), torch.tensor(ages))
    assert float(single) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.4])
def test_gender_loss_against_a_slow_reference(smoothing: float) -> None:
    values, genders = np.array([-3.0, 0.2, 5.0, 40.0]), [0, 1, 0, 1]
    total = 0.0
    for value, gender in zip(values, genders, strict=True):
        female = 1 / (1 + np.exp(-value))
        wanted = 1 - smoothing / 2 if gender else smoothing / 2
        total -= wanted * np.log(female)
        # log(1 - sigmoid(x)) without losing everything at large x.
        total -= (1 - wanted) * -(value + np.log1p(np.exp(-value)))
    found = gender_loss(torch.from_numpy(values), torch.tensor(genders), smoothing)
    assert float(found) == pytest.approx(total / 4, rel=1e-6)


def test_smoothed_gender_loss_is_least_at_its_target() -> None:
    grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    female = torch.tensor([1])
    losses = [float(gender_loss(value[None], female, 0.05)) for value in grid]
    best = torch.sigmoid(grid[int(np.argmin(losses))])
    assert float(best) == pytest.approx(0.975, abs=1e-3)


def test_gradients() -> None:
    values = logits(3, 12).requires_grad_()
    targets = torch.softmax(logits(3, 12, seed=1), dim=1)
    ages = torch.tensor([2, 11, 5])
    assert torch.autograd.gradcheck(lambda x: age_divergence(x, targets), values)
    assert torch.autograd.gradcheck(lambda x: expected_age_error(x, ages), values)
    genders = torch.tensor([0, 1, 1])
    assert torch.autograd.gradcheck(
        lambda x: gender_loss(x[:, 0], genders, 0.05), logits(3, 1, seed=2).requires_grad_()
    )
