"""A demand with a guarantee: against plain binomial sums, at its edges, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utkage.core.errors import DataError, UsageError
from utkage.evaluation.age_checks.guaranteed_demand import (
    ESTIMATED_AGE,
    Guarantee,
    check_guarantee,
    guaranteed_demand,
)
from utkage.evaluation.metrics.bootstrap import Floats

PROMISE = Guarantee(age=18, youngest=13, max_false_pass=0.05, confidence=0.9)
STRICT = Guarantee(age=18, youngest=13, max_false_pass=0.01, confidence=0.95)


def scores(n: int, seed: int = 0) -> Floats:
    """Probabilities of minors, most of them low."""
    random = np.random.default_rng(seed).normal(-2, 1.5, n)
    return np.asarray(1 / (1 + np.exp(-random)))


def binomial_cdf(k: int, n: int, p: float) -> float:
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("digits", [2, 4])
def test_the_demand_is_that_of_fixed_sequence_testing(seed: int, digits: int) -> None:
    # With two digits, many faces have the same probability.
    minors = scores(120, seed).round(digits)
    found = guaranteed_demand(minors, PROMISE)
    # From the strictest demand downwards, until the test no longer rejects.
    lowest = None
    for unit in range(10_000, 0, -1):
        passing = sum(round(score * 10_000) >= unit for score in minors)
        if binomial_cdf(passing, 120, 0.05) > 0.1:
            break
        lowest = unit
    assert lowest is not None
    assert found.demand == lowest / 10_000
    assert (found.n, found.passing) == (120, int((minors >= found.demand).sum()))
    assert found.upper <= PROMISE.max_false_pass
    assert binomial_cdf(found.passing, 120, found.upper) == pytest.approx(0.1, abs=1e-6)


def test_too_few_faces_are_refused_with_the_number_that_is_needed() -> None:
    assert STRICT.faces_needed == 299
    with pytest.raises(DataError, match=r"298 faces of 13-17 .* at least 299 are needed"):
        guaranteed_demand(np.linspace(0, 0.5, 298), STRICT)
    found = guaranteed_demand(np.linspace(0, 0.5, 299), STRICT)
    assert (found.demand, found.passing) == (0.5001, 0)
    with pytest.raises(DataError, match="0 faces"):
        guaranteed_demand(np.empty(0), STRICT)


@pytest.mark.parametrize("share", [1e-6, 0.001, 0.003, 0.01, 0.05, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.5, 0.75, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_the_number_of_faces_needed_is_the_smallest(share: float, confidence: float) -> None:
    promise = Guarantee(age=18, youngest=13, max_false_pass=share, confidence=confidence)
    needed = promise.faces_needed
    assert promise.may_pass(needed) is not None
    assert needed == 1 or promise.may_pass(needed - 1) is None
    assert guaranteed_demand(np.zeros(needed), promise).demand == 0.0001


def test_scores_that_decimal_fractions_cannot_hold_do_not_pass_by_rounding() -> None:
    # 0.29 / 0.01 is 28.999..., so a floor would give the demand 0.29, which the face passes.
    for score in np.arange(1, 100) / 100:
        found = guaranteed_demand(np.full(299, score), STRICT)
        assert found.demand > score
        assert found.passing == 0


def test_rows_of_predict_keep_the_promise_although_their_probabilities_are_rounded() -> None:
    minors = np.append(np.zeros(299), [0.49996])
    found = guaranteed_demand(
        minors, Guarantee(age=18, youngest=13, max_false_pass=0.01, confidence=0.95)
    )
    assert round(0.49996, 4) < found.demand


def test_the_demand_of_estimated_ages_is_in_years() -> None:
    found = guaranteed_demand(np.linspace(10, 31.274, 299), STRICT, ESTIMATED_AGE)
    assert found.demand == 31.28


def test_minors_with_a_probability_of_one_are_refused() -> None:
    with pytest.raises(DataError, match="no demand excludes them"):
        guaranteed_demand(np.ones(100), PROMISE)


@pytest.mark.parametrize("digits", [4, 1])
def test_the_promise_holds_in_simulated_calibrations(digits: int) -> None:
    check = check_guarantee(scores(300).round(digits), PROMISE)
    # Four standard errors of a share of 1,000 draws.
    assert check.kept >= 0.9 - 4 * math.sqrt(0.9 * 0.1 / 1000)
    assert (check.draws, check.refused) == (1000, 0)
    # It is not so strict that it says nothing.
    assert check.kept < 1 or digits == 1


def test_a_simulation_with_too_few_minors_never_has_a_demand() -> None:
    check = check_guarantee(np.zeros(5), PROMISE, draws=10)
    assert (check.kept, check.refused) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("max_false_pass", 0.0), ("max_false_pass", 1.0), ("max_false_pass", math.nan)),
        *(("confidence", 1.5), ("youngest", 18), ("youngest", -1)),
        *(("max_false_pass", 1e-20), ("max_false_pass", 1 - 1e-9), ("confidence", 1e-300)),
    ],
)
def test_values_out_of_range_are_refused(field: str, value: float) -> None:
    values = {"age": 18, "youngest": 13, "max_false_pass": 0.05, "confidence": 0.9, field: value}
    with pytest.raises(UsageError, match=field):
        Guarantee(**values)  # type: ignore[arg-type]
