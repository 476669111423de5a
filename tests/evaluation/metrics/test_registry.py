from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from partial_labels import with_ranges, without
from sklearn import metrics as sklearn

from utkage.data.labels import AGE_RANGES, RANGE_NAMES
from utkage.evaluation.inputs.labelled_predictions import (
    AGE,
    AGE_RANGE,
    GENDER,
    GENDER_PROBABILITY,
    LabelledPredictions,
)
from utkage.evaluation.metrics.age_errors import (
    cumulative_score,
    mean_absolute_error,
    mean_error,
)
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate
from utkage.evaluation.metrics.classification import accuracy
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.registry import (
    METRICS,
    format_estimate,
    format_value,
    metric_value,
    statistics,
)

LabelledPredictionsOf = Callable[..., LabelledPredictions]
PAIRS = st.lists(
    st.tuples(st.integers(0, 116), st.floats(0, 120, allow_subnormal=False)),
    min_size=1,
    max_size=40,
)


def arrays(pairs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([age for age, _ in pairs]), np.array([guess for _, guess in pairs])


@given(PAIRS)
def test_errors_against_sklearn_and_loops(pairs: list[tuple[int, float]]) -> None:
    ages, guesses = arrays(pairs)
    mae = mean_absolute_error(ages, guesses)
    assert mae == pytest.approx(sklearn.mean_absolute_error(ages, guesses))
    bias = mean_error(ages, guesses)
    assert bias == pytest.approx(sum(guess - age for age, guess in pairs) / len(pairs), abs=1e-9)
    assert abs(bias) <= mae + 1e-9
    for tolerance in (0, 5, 120):
        inside = sum(abs(guess - age) <= tolerance for age, guess in pairs)
        assert cumulative_score(ages, guesses, tolerance) == pytest.approx(inside / len(pairs))
    assert cumulative_score(ages, guesses, 120) == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_accuracy_against_sklearn(pairs: list[tuple[int, int]]) -> None:
    truth, guess = (np.array(column) for column in zip(*pairs, strict=True))
    assert accuracy(truth, guess) == pytest.approx(sklearn.accuracy_score(truth, guess))


def test_signs_and_edges() -> None:
    ages = np.array([20, 30])
    assert mean_error(ages, np.array([25.0, 31.0])) == 3
    assert cumulative_score(ages, np.array([25.0, 35.001]), 5) == 0.5


def test_values_as_text() -> None:
    assert format_value(None, "share") == "-"
    assert format_value(0.5, "share") == "50.0%"
    assert format_value(4.256, "years") == "4.26"
    assert format_estimate(Estimate(4.2, 4.0, 4.4, 9), "years") == "4.20 (4.00 to 4.40)"
    assert format_estimate(Estimate(0.2, None, None, 1), "") == "0.200"


def test_each_metric_is_that_of_the_faces_with_its_label(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    whole = labelled_predictions_of(120)
    faces = with_ranges(without(whole, GENDER, np.arange(0, 20)), np.arange(10, 60))
    faces = without(faces, AGE, np.arange(60, 70))
    parts = {
        AGE: np.r_[0:10, 70:120],
        GENDER: np.arange(20, 120),
        GENDER_PROBABILITY: np.arange(20, 120),
        AGE_RANGE: np.arange(10, 60),
    }
    for label, rows in parts.items():
        assert np.flatnonzero(faces.labelled(label)).tolist() == rows.tolist()
    bootstrap = Bootstrap.draw(faces.groups, 200)
    found = populations(faces, bootstrap)[0].metrics
    for name, estimate in found.items():
        rows = parts[METRICS[name].needs]
        alone = METRICS[name].statistic(faces.take(rows))
        assert estimate.n == len(rows)
        assert estimate.value == pytest.approx(float(alone(None)))
        drawn = np.asarray(alone(bootstrap.counts[:, rows].astype(np.float32)))
        assert estimate.low == pytest.approx(np.nanquantile(drawn, 0.025))
    assert set(found) == set(METRICS)


def median_errors(ages: np.ndarray, groups: np.ndarray) -> float:
    medians = {group: np.median(ages[groups == group]) for group in set(groups.tolist())}
    return float(np.mean([abs(a - medians[g]) for a, g in zip(ages, groups, strict=True)]))


def calibration_error(probabilities: np.ndarray, true: np.ndarray) -> float:
    bins = [min(int(p * 10), 9) for p in probabilities]
    gaps = [
        abs(sum(p - t for p, t, b in zip(probabilities, true, bins, strict=True) if b == number))
        for number in range(10)
    ]
    return sum(gaps) / len(bins)


def values_by_loops(faces: LabelledPredictions) -> dict[str, float]:
    """Every metric of faces with all labels, from their definitions."""
    predictions = faces.predictions
    assert predictions is not None
    ages, age, errors = faces.ages, faces.age, faces.age - faces.ages
    truth = np.array(
        [next(i for i, r in enumerate(AGE_RANGES) if r.first <= a <= r.last) for a in ages]
    )
    female, guess = faces.genders, (faces.p_female >= 0.5).astype(int)
    whole = np.array([round(value) for value in age])
    low, high = faces.allowed_ages.T
    outside = np.where(whole > high, whole - high, np.where(whole < low, whole - low, 0))
    likelihood = np.where(female == 1, faces.p_female, 1 - faces.p_female)
    of_range = predictions.range_probabilities[np.arange(len(faces)), truth]
    best = predictions.range_probabilities.max(axis=1)
    right = faces.range_index == truth
    found = {
        "mae": np.abs(errors).mean(),
        "rmse": np.sqrt((errors**2).mean()),
        "median_error": np.median(np.abs(errors)),
        "bias": errors.mean(),
        **{f"cs{k}": (np.abs(errors) <= k).mean() for k in range(1, 11)},
        "range_accuracy": right.mean(),
        "range_one_off": (np.abs(faces.range_index - truth) <= 1).mean(),
        "range_macro_f1": sklearn.f1_score(truth, faces.range_index, average="macro"),
        "label_range_accuracy": (outside == 0).mean(),
        "label_range_distance": np.abs(outside).mean(),
        "label_range_bias": outside.mean(),
        "gender_accuracy": (female == guess).mean(),
        "gender_balanced_accuracy": sklearn.balanced_accuracy_score(female, guess),
        "gender_auc": sklearn.roc_auc_score(female, faces.p_female),
        "men_as_women": guess[female == 0].mean(),
        "women_as_men": 1 - guess[female == 1].mean(),
        "gender_nll": -np.log(likelihood).mean(),
        "gender_ece": calibration_error(faces.p_female, female == 1),
        "range_nll": -np.log(of_range).mean(),
        "range_ece": calibration_error(best, right),
        "baseline_mae": median_errors(ages, np.zeros_like(ages)),
        "oracle_median_mae": median_errors(ages, truth),
        "baseline_gender": max(female.mean(), 1 - female.mean()),
    }
    for level in (0.8, 0.9):
        ends = predictions.age_interval(level)
        found[f"coverage_{level * 100:.0f}"] = ((ends[0] <= ages) & (ages <= ends[1])).mean()
        found[f"width_{level * 100:.0f}"] = (ends[1] - ends[0]).mean()
    return {name: float(value) for name, value in found.items()}


def test_every_metric_against_its_definition(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    whole = labelled_predictions_of(150, seed=2)
    expected = values_by_loops(whole)
    ranges = with_ranges(whole, np.arange(150))
    assert set(METRICS) == set(expected)
    for name, metric in METRICS.items():
        faces = ranges if metric.needs == AGE_RANGE else whole
        wanted = values_by_loops(replace(ranges, ages=whole.ages)) if faces is ranges else expected
        assert metric_value(name, faces) == pytest.approx(wanted[name], rel=1e-5), name


def test_the_majority_gender(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(4)
    for genders, share in (([0, 0, 0, 1], 0.75), ([1, 1, 1, 0], 0.75), ([0, 0, 1, 1], 0.5)):
        given_genders = replace(faces, genders=np.array(genders))
        assert metric_value("baseline_gender", given_genders) == share
    half = METRICS["baseline_gender"].statistic(replace(faces, genders=np.array([0, 1, 0, 1])))
    assert half.args[1].tolist() == [1] * 4, "where both are equally frequent, female"  # type: ignore[attr-defined]
    one = replace(faces, genders=np.ones(4, dtype=np.int64)).take(np.arange(1))
    assert metric_value("baseline_gender", one) == 1


def test_which_metrics_are_defined(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(20)
    of_ranges = {"label_range_accuracy", "label_range_distance", "label_range_bias"}
    assert set(statistics(faces)) == set(METRICS) - of_ranges
    numbers_only = replace(faces, predictions=None)
    from_distributions = {n for n in METRICS if n.startswith(("coverage_", "width_"))}
    from_distributions |= {"range_nll", "range_ece"}
    assert set(statistics(numbers_only)) == set(METRICS) - of_ranges - from_distributions
    nobody = faces.take(np.arange(0))
    assert metric_value("mae", nobody) is None
    assert set(statistics(nobody)) == {
        name for name in METRICS if METRICS[name].needs in (AGE, GENDER)
    }


def test_headings_and_labels() -> None:
    assert METRICS["mae"].heading == "MAE, years"
    assert METRICS["cs5"].heading == "CS@5: error of at most 5 years"
    assert METRICS["coverage_80"].heading == "coverage of the 80 % interval"
    assert METRICS["width_90"].heading == "width of the 90 % interval, years"
    assert len(RANGE_NAMES) == 9
    assert format_value(0.12345, "") == "0.123"
    assert format_estimate(Estimate(0.2, None, 0.4, 1), "share") == "20.0%"
    assert format_estimate(Estimate(0.2, 0.1, None, 1), "share") == "20.0%"


def test_each_metric_over_a_resample_is_that_of_the_repeated_faces(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(40)
    drawn = np.random.default_rng(2).integers(0, 3, (6, 40))
    # A resample may have none of the faces of a small group.
    drawn[0] = 0
    # These compare with a prediction that is chosen once, on the faces as they are.
    fixed = {"baseline_mae", "oracle_median_mae", "baseline_gender"}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, statistic in statistics(faces).items():
            found = statistic(drawn.astype(np.float32))
            assert np.isnan(found[0]), name
            for value, counts in zip(found[1:], drawn[1:], strict=True):
                if name not in fixed:
                    repeated = faces.take(np.repeat(np.arange(40), counts))
                    assert value == pytest.approx(metric_value(name, repeated), abs=1e-4), name
