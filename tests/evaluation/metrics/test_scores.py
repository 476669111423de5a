from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from partial_labels import with_ranges

from utkage.core.files import write_json
from utkage.data.labels import range_index
from utkage.evaluation.inputs.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.metrics.registry import METRICS, statistics
from utkage.evaluation.metrics.scores import score, score_predictions
from utkage.prediction.predictions import Predictions

LabelledPredictionsOf = Callable[..., LabelledPredictions]
RandomPredictions = Callable[..., Predictions]


def test_all_figures_against_a_slow_loop(random_predictions: RandomPredictions) -> None:
    random = np.random.default_rng(1)
    ages, genders = random.integers(0, 117, 60), random.integers(0, 2, 60)
    predictions = random_predictions(60)
    found = score(ages, genders, predictions)
    errors = [abs(predictions.age[i] - ages[i]) for i in range(60)]
    middle = [i for i in range(60) if 21 <= ages[i] <= 60]
    adult = [i for i in range(60) if ages[i] >= 16]
    right = [(predictions.p_female[i] >= 0.5) == (genders[i] == 1) for i in range(60)]
    means = [sum(y * predictions.age_distribution[i, y] for y in range(117)) for i in range(60)]
    edges = np.arange(118) - 0.5
    quantiles = np.array(
        [
            np.interp([0.1, 0.5, 0.9], np.concatenate([[0], np.cumsum(row)]), edges)
            for row in predictions.age_distribution
        ]
    ).clip(0)
    inside = [quantiles[i, 0] <= ages[i] <= quantiles[i, 2] for i in range(60)]
    ranges = [
        range_index(int(ages[i])) == int(np.argmax(predictions.range_probabilities[i]))
        for i in range(60)
    ]
    expected = {
        "n": 60,
        "n_label_ranges": 0,
        "label_range_accuracy": None,
        "label_range_distance": None,
        "mae": np.mean(errors),
        "mae_21_60": np.mean([errors[i] for i in middle]),
        "mae_mean": np.mean(np.abs(np.array(means) - ages)),
        "mae_median": np.mean(np.abs(quantiles[:, 1] - ages)),
        "bias": np.mean(predictions.age - ages),
        "cs5": np.mean([error <= 5 for error in errors]),
        "range_accuracy": np.mean(ranges),
        "gender_accuracy": np.mean(right),
        "gender_accuracy_16plus": np.mean([right[i] for i in adult]),
        "n_16plus": len(adult),
        "n_21_60": len(middle),
        "interval_level": 0.8,
        "interval_coverage": np.mean(inside),
        "interval_width": np.mean(quantiles[:, 2] - quantiles[:, 0]),
        "baseline_mae": np.mean(np.abs(ages - np.median(ages))),
        "oracle_median_mae": np.mean(
            [
                abs(age - np.median([a for a in ages if range_index(int(a)) == own]))
                for age, own in ((int(age), range_index(int(age))) for age in ages)
            ]
        ),
    }
    assert vars(found) == pytest.approx(expected, abs=1e-6)
    shown = {name: value for name, value in expected.items() if "label_range" not in name}
    assert found.to_dict() == pytest.approx(shown, abs=1e-4)


@pytest.mark.parametrize(("ages", "empty"), [([5, 10, 15], True), ([16, 20, 61], False)])
def test_empty_groups_are_none(
    random_predictions: RandomPredictions, ages: list[int], empty: bool
) -> None:
    found = score(np.array(ages), np.array([0, 1, 0]), random_predictions(3))
    assert found.mae_21_60 is None
    assert found.n_21_60 == 0
    assert (found.gender_accuracy_16plus is None) == empty
    assert found.n_16plus == (0 if empty else 3)
    assert found.to_dict()["mae_21_60"] is None


def test_the_dictionary_is_json(random_predictions: RandomPredictions, tmp_path: Path) -> None:
    found = score(np.array([20, 40]), np.array([0, 1]), random_predictions(2))
    write_json(tmp_path / "a.json", found.to_dict())
    assert {type(value) for value in found.to_dict().values()} <= {int, float}


def test_perfect_predictions(random_predictions: RandomPredictions) -> None:
    ages, genders = np.array([0, 16, 40, 90]), np.array([0, 1, 1, 0])
    ranges = np.zeros((4, 9))
    ranges[range(4), [range_index(int(age)) for age in ages]] = 1
    perfect = Predictions(ages.astype(float), np.eye(117)[ages], ranges, genders.astype(float))
    found = score(ages, genders, perfect)
    assert (found.mae, found.bias, found.mae_mean) == (0, 0, 0)
    assert found.mae_median == pytest.approx(0, abs=1e-9)
    assert (found.cs5, found.range_accuracy, found.gender_accuracy) == (1, 1, 1)
    assert found.interval_coverage == 1
    # The mass of one year is one year wide; that of year 0 ends at 0.
    assert found.interval_width == pytest.approx((3 * 0.8 + 0.4) / 4)


def test_lengths_must_agree(random_predictions: RandomPredictions) -> None:
    predictions = random_predictions(3)
    with pytest.raises(ValueError, match="2 ages, 3 genders, 3 predictions"):
        score(np.zeros(2, int), np.zeros(3, int), predictions)
    with pytest.raises(ValueError, match="0 ages"):
        score(np.zeros(0, int), np.zeros(0, int), predictions[:0])
    with pytest.raises(ValueError, match="predictions"):
        score(np.zeros(3, int), np.zeros(3, int), replace(predictions, age=np.zeros(2)))


def test_ranges_are_scored_by_their_ends_and_never_by_their_middle(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = with_ranges(labelled_predictions_of(80, error=9.0), np.arange(80))
    found = score_predictions(faces)
    inside, distances = [], []
    for (low, high), age in zip(faces.allowed_ages, faces.age, strict=True):
        year = round(float(age))
        inside.append(low <= year <= high)
        distances.append(max(low - year, year - high, 0))
    assert found.label_range_accuracy == pytest.approx(np.mean(inside))
    assert found.label_range_distance == pytest.approx(np.mean(distances))
    assert (found.mae, found.bias, found.cs5, found.range_accuracy) == (None,) * 4
    assert found.gender_accuracy is not None
    assert (found.n, found.n_label_ranges) == (80, 80)
    assert set(statistics(faces)) == {
        name for name, metric in METRICS.items() if metric.needs != AGE
    }
