import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate, estimate, weighted_mean
from utkage.evaluation.metrics.populations import populations

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_whole_groups_are_drawn() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    counts = Bootstrap.draw(groups, 500, seed=3).counts
    assert counts.shape == (500, 6)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 4]).all()
    assert (counts[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert counts[:, 0].mean() == pytest.approx(1, abs=0.15)


def test_the_seed_decides() -> None:
    groups = np.arange(40)
    same = [Bootstrap.draw(groups, 50, seed=1).counts for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], Bootstrap.draw(groups, 50, seed=2).counts)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(0).normal(10, 4, 900)
    bootstrap = Bootstrap.draw(np.arange(900), 4000)
    found = bootstrap.estimates({"mean": lambda weights: weighted_mean(values, weights)})["mean"]
    error = values.std() / 30
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_copies_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(0).normal(0, 1, 100), 4)

    def width(groups: np.ndarray) -> float:
        drawn = Bootstrap.draw(groups, 2000)
        found = drawn.estimates({"mean": lambda weights: weighted_mean(values, weights)})["mean"]
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(np.repeat(np.arange(100), 4)) == pytest.approx(2 * width(np.arange(400)), rel=0.15)


def test_draws_of_some_faces_against_a_loop() -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 1, 30)
    rows = np.flatnonzero(random.random(30) < 0.4)
    bootstrap = Bootstrap.draw(np.arange(30), 60)
    statistics = {"mean": lambda weights: weighted_mean(values[rows], weights)}
    found = bootstrap.draws(statistics, rows)["mean"]
    assert found.shape == (60,)
    for row, counts in enumerate(bootstrap.counts):
        repeated = np.repeat(np.arange(30), counts)
        own = repeated[np.isin(repeated, rows)]
        expected = values[own].mean() if len(own) else np.nan
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_memory_does_not_grow_with_the_number_of_faces() -> None:
    bootstrap = Bootstrap.draw(np.arange(20_000), 600)
    sizes: list[int] = []

    def statistic(weights: np.ndarray) -> np.ndarray:
        sizes.append(weights.size)
        return weights.sum(axis=1)

    draws = bootstrap.draws({"sum": statistic})["sum"]
    assert draws.tolist() == [20_000] * 600
    assert max(sizes) <= 2_000_000
    assert sum(sizes) == 600 * 20_000


@pytest.mark.parametrize("block", [1, 7_000, 10**9])
def test_resamples_that_are_not_kept_are_the_same(
    block: int, labelled_predictions_of: LabelledPredictionsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = labelled_predictions_of(300)
    kept = Bootstrap.draw(faces.groups, 120, seed=4)
    found = populations(faces, kept), group_report(faces, kept)
    monkeypatch.setattr("utkage.evaluation.metrics.bootstrap._KEPT", 0)
    monkeypatch.setattr("utkage.evaluation.metrics.bootstrap._BLOCK_COUNTS", block)
    drawn = Bootstrap.draw(faces.groups, 120, seed=4)
    assert np.array_equal(kept.counts, drawn.counts)
    again = populations(faces, drawn), group_report(faces, drawn)
    assert [one.to_dict() for one in found[0]] == [other.to_dict() for other in again[0]]
    assert found[1].to_dict() == again[1].to_dict()


def test_no_array_of_resamples_times_faces_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utkage.evaluation.metrics.bootstrap._KEPT", 0)
    monkeypatch.setattr("utkage.evaluation.metrics.bootstrap._BLOCK_COUNTS", 2_000_000)
    faces, resamples = 60_000, 1_500
    values = np.random.default_rng(0).normal(0, 1, faces)
    bootstrap = Bootstrap.draw(np.arange(faces), resamples)
    tracemalloc.start()
    try:
        found = bootstrap.estimates({"mean": lambda weights: weighted_mean(values, weights)})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < faces * resamples / 4, f"{peak / 1e6:.0f} MB"
    assert found["mean"].low is not None


def test_what_is_not_defined_is_none() -> None:
    bootstrap = Bootstrap.draw(np.arange(5), 20)
    statistics = {"mean": lambda weights: weighted_mean(np.ones(0), weights)}
    empty = bootstrap.estimates(statistics, np.empty(0, dtype=np.int64))
    assert empty["mean"] == Estimate(None, None, None, 0)
    assert estimate(float("nan"), np.ones(3), 2) == Estimate(None, None, None, 2)
    assert estimate(1.0, np.full(3, np.nan), 2) == Estimate(1.0, None, None, 2)
    assert Estimate(1.23456, None, 2.0, 3).to_dict() == {
        "value": 1.2346,
        "low": None,
        "high": 2.0,
        "n": 3,
    }


def test_two_thousand_resamples_of_four_thousand_faces(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    """All figures and all groups; processor time, since other work may run beside the test."""
    faces = labelled_predictions_of(4000)
    started = time.process_time()
    bootstrap = Bootstrap.draw(faces.groups, 2000)
    found = populations(faces, bootstrap)
    groups = group_report(faces, bootstrap)
    seconds = time.process_time() - started
    assert found[0].metrics["mae"].n == 4000
    assert len(groups.groups) > 80
    assert seconds < 10, "about 1.5 s where nothing else runs; make bench holds it to 5"
