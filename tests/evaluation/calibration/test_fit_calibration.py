from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from utkage.core.errors import DataError
from utkage.evaluation.calibration.fit_calibration import (
    BAND_STARTS,
    conformal_levels,
    conformity_scores,
    fit_calibration,
    fit_temperature,
)
from utkage.evaluation.metrics.reliability import interval_coverage
from utkage.models.calibration import LEVELS, AgeBand, Calibration
from utkage.prediction.predictions import Predictions

RandomPredictions = Callable[..., Predictions]


def faces(count: int, seed: int, spread: float) -> tuple[np.ndarray, np.ndarray, Predictions]:
    """Faces whose true error has sd 5, with predictions that claim ``spread``."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 80, count)
    ages = np.clip(np.rint(centres + random.normal(0, 5, count)), 0, 116).astype(np.int64)
    edges = np.arange(118) - 0.5
    mass = np.diff(norm.cdf((edges - centres[:, None]) / spread), axis=1)
    mass /= mass.sum(axis=1, keepdims=True)
    logits = random.normal(0, 2, count)
    genders = (random.random(count) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    female = 1 / (1 + np.exp(-2.5 * logits))
    ranges = random.dirichlet(np.ones(9), count)
    return ages, genders, Predictions(centres, mass, ranges, female)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.05, 2), st.floats(0, 0.999))
def test_a_score_is_the_smallest_level_that_holds_the_age(
    seed: int, alpha: float, level: float
) -> None:
    random = np.random.default_rng(seed)
    distribution = random.dirichlet(np.full(117, alpha), 20) * 0.999 + 0.001 / 117
    ages = random.integers(0, 117, 20)
    predictions = Predictions(np.zeros(20), distribution, np.full((20, 9), 1 / 9), np.full(20, 0.5))
    scores = conformity_scores(ages, distribution)
    low, high = predictions.age_interval(level)
    inside = (low <= ages) & (ages <= high)
    clear = np.abs(scores - level) > 1e-6
    assert (inside == (scores <= level))[clear].all()


def test_conformal_levels_are_the_ranks_of_the_paper() -> None:
    scores = np.arange(1, 100) / 100
    assert conformal_levels(scores, (0.5, 0.9, 0.99)) == pytest.approx((0.5, 0.9, 0.99))
    # Of nine faces, no level above 90 % can be promised but by the whole distribution.
    assert conformal_levels(np.linspace(0, 0.5, 9), (0.8, 0.9, 0.95)) == (0.4375, 0.5, 1.0)
    assert conformal_levels(np.empty(0), (0.5,)) == (1.0,)


@pytest.mark.parametrize("spread", [2.0, 5.0, 12.0])
def test_coverage_is_what_was_promised(spread: float) -> None:
    """Too narrow, right and too wide distributions all come out right, in every band."""
    ages, genders, predictions = faces(15_000, 1, spread)
    calibration = fit_calibration(ages, genders, predictions, {"split": "val"})
    ages, genders, predictions = faces(20_000, 2, spread)
    calibrated = replace(predictions, calibration=calibration)
    bands = calibration.band_of(predictions.age)
    for level in (0.5, 0.8, 0.9, 0.95):
        low, high = calibrated.age_interval(level)
        assert interval_coverage(ages, low, high) == pytest.approx(level, abs=0.02)
        for band in range(len(BAND_STARTS)):
            own = bands == band
            found = interval_coverage(ages[own], low[own], high[own])
            assert found == pytest.approx(level, abs=0.05)
    raw_low, raw_high = predictions.age_interval(0.8)
    raw = interval_coverage(ages, raw_low, raw_high)
    assert (abs(raw - 0.8) > 0.1) == (spread != 5.0), "the test has no teeth"


def test_intervals_of_one_face_are_nested() -> None:
    ages, genders, predictions = faces(500, 3, 3.0)
    calibrated = replace(predictions, calibration=fit_calibration(ages, genders, predictions, {}))
    ends = [calibrated.age_interval(level) for level in np.linspace(0, 1, 23)]
    for (low, high), (wider_low, wider_high) in pairwise(ends):
        assert (wider_low <= low + 1e-9).all()
        assert (wider_high >= high - 1e-9).all()


def test_probability_at_least_agrees_with_intervals() -> None:
    ages, genders, predictions = faces(500, 4, 3.0)
    for calibration in (None, fit_calibration(ages, genders, predictions, {})):
        requested = replace(predictions, calibration=calibration)
        for level in (0.5, 0.8, 0.9):
            low, high = requested.age_interval(level)
            p = requested.probability_at_least(30)
            clear = (np.abs(low - 29.5) > 1e-3) & (np.abs(high - 29.5) > 1e-3)
            assert ((p >= (1 + level) / 2) == (low >= 29.5))[clear].all()
            assert ((p <= (1 - level) / 2) == (high <= 29.5))[clear].all()
        ladder = np.stack(
            [requested.probability_at_least(age) for age in (0, 1, 18, 30, 31.5, 200)]
        )
        assert (np.diff(ladder, axis=0) <= 1e-9).all()
        assert (ladder[0] == 1).all()
    np.testing.assert_allclose(
        predictions.probability_at_least(30), predictions.age_distribution[:, 30:].sum(1), atol=1e-9
    )


def test_probability_at_least_is_calibrated() -> None:
    ages, genders, predictions = faces(4000, 5, 2.0)
    calibration = fit_calibration(ages, genders, predictions, {})
    ages, _, predictions = faces(40_000, 6, 2.0)
    p = replace(predictions, calibration=calibration).probability_at_least(30)
    for low, high in ((0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95)):
        own = (p > low) & (p <= high)
        assert (ages[own] >= 30).mean() == pytest.approx(p[own].mean(), abs=0.05)


def test_temperature_of_overconfident_predictions() -> None:
    _, genders, predictions = faces(20_000, 7, 5.0)
    both = np.stack([1 - predictions.p_female, predictions.p_female], axis=1)
    assert fit_temperature(both, genders) == pytest.approx(2.5, abs=0.15)


def test_small_bands_take_the_levels_of_all() -> None:
    ages, genders, predictions = faces(400, 8, 3.0)
    found = fit_calibration(ages, genders, predictions, {"split": "val"}, (0.0, 40.0, 78.0))
    assert [band.pooled for band in found.bands] == [False, False, True]
    assert sum(band.n for band in found.bands) == found.fitted_on["n"] == 400
    everywhere = conformal_levels(conformity_scores(ages, predictions.age_distribution))
    assert found.bands[2].requested == everywhere
    assert found.bands[0].requested != everywhere


def test_what_cannot_be_fitted(random_predictions: RandomPredictions) -> None:
    few = random_predictions(20)
    with pytest.raises(DataError, match="20 faces are too few"):
        fit_calibration(np.zeros(20, int), np.zeros(20, int), few, {})
    calibrated = replace(
        few,
        calibration=Calibration(
            gender_temperature=1, range_temperature=1, levels=LEVELS, bands=(AgeBand(0, 9, LEVELS),)
        ),
    )
    with pytest.raises(ValueError, match="calibrated already"):
        fit_calibration(np.zeros(20, int), np.zeros(20, int), calibrated, {})


def test_levels_hold_for_the_harder_source_too() -> None:
    """The errors of one source are twice as large; the level of the mixture would fail on it."""
    easy, hard = faces(6_000, 5, 5.0), faces(6_000, 6, 2.5)
    ages = np.concatenate([easy[0], hard[0]])
    genders = np.concatenate([easy[1], hard[1]])
    predictions = Predictions.concatenate([easy[2], hard[2]])
    sources = ["easy"] * 6_000 + ["hard"] * 6_000
    mixture = fit_calibration(ages, genders, predictions, {})
    widest = fit_calibration(ages, genders, predictions, {}, sources=sources)
    new_ages, _, new = faces(8_000, 7, 2.5)

    def coverage(calibration: Calibration) -> float:
        return interval_coverage(new_ages, *replace(new, calibration=calibration).age_interval(0.8))

    assert coverage(widest) == pytest.approx(0.8, abs=0.02)
    assert coverage(mixture) < 0.75
    for own, other in zip(widest.bands, mixture.bands, strict=True):
        assert all(a >= b for a, b in zip(own.requested, other.requested, strict=True))


def test_a_source_of_few_faces_has_no_say() -> None:
    ages, genders, predictions = faces(2_000, 8, 5.0)
    sources = np.array(["many"] * 2_000)
    sources[:: 2_000 // 40] = "few"
    ages[sources == "few"] = 0
    whole = fit_calibration(ages, genders, predictions, {})
    many = fit_calibration(
        *(part[sources == "many"] for part in (ages, genders)), predictions[sources == "many"], {}
    )
    found = fit_calibration(ages, genders, predictions, {}, sources=list(sources))
    for band, mixture, alone in zip(found.bands, whole.bands, many.bands, strict=True):
        assert band.requested == tuple(np.maximum(mixture.requested, alone.requested))
