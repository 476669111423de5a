"""Several models on several sources, against loops over faces and resamples."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from partial_labels import with_ranges

from utkage.evaluation.comparison.paired_metrics import compare_predictions
from utkage.evaluation.comparison.side_by_side import SideBySide, SourceValues, side_by_side
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate

Labelled = Callable[..., LabelledPredictions]
RESAMPLES = 60


def other_model(faces: LabelledPredictions, seed: int, bias: float = 1.0) -> LabelledPredictions:
    """Numbers without distributions that err in another way."""
    random = np.random.default_rng(seed)
    return replace(
        faces,
        age=np.clip(faces.ages + random.normal(bias, 6, len(faces)), 0, 116),
        p_female=np.clip(faces.genders * 0.4 + random.uniform(0, 0.6, len(faces)), 0, 1),
        predictions=None,
    )


def without_labels_of_predictions(faces: LabelledPredictions) -> LabelledPredictions:
    nothing = np.full(len(faces), np.nan)
    return replace(faces, age=nothing, p_female=nothing, predictions=None)


def measured(models: Sequence[LabelledPredictions], everyone: LabelledPredictions) -> SideBySide:
    named = [(f"model {place}", faces) for place, faces in enumerate(models)]
    return side_by_side(without_labels_of_predictions(everyone), named, RESAMPLES, seed=7)


def naive_error(metric: str, faces: LabelledPredictions, row: int) -> float | None:
    """One face's part of a metric; None if it has no label or no prediction for it."""
    age, female = float(faces.age[row]), float(faces.p_female[row])
    low, high = (int(year) for year in faces.allowed_ages[row])
    if metric == "gender_accuracy":
        if faces.genders[row] < 0 or np.isnan(female):
            return None
        return float((female >= 0.5) == (faces.genders[row] == 1))
    if np.isnan(age) or low < 0 or (metric == "mae") != (low == high):
        return None
    if metric == "mae":
        return abs(age - low)
    year = int(np.rint(age))
    outside = max(low - year, year - high, 0)
    return float(outside == 0) if metric == "label_range_accuracy" else float(outside)


def naive_values(
    metric: str, models: Sequence[LabelledPredictions], source: str
) -> list[dict[str, float]]:
    """By model, the errors of the faces of a source that all models predict, by name."""
    found = []
    for faces in models:
        errors = {}
        for row, name in enumerate(faces.names):
            error = naive_error(metric, faces, row)
            if faces.sources[row] == source and error is not None:
                errors[name] = error
        found.append(errors)
    present = [errors for errors in found if errors]
    common = set.intersection(*map(set, present)) if present else set()
    return [{name: errors[name] for name in errors if name in common} for errors in found]


@pytest.fixture(scope="module")
def models(labelled_predictions_of: Labelled) -> list[LabelledPredictions]:
    """Three models; ages of the source "two" are ranges; the others each miss some faces."""
    faces = labelled_predictions_of(200)
    faces = with_ranges(faces, np.flatnonzero(np.array(faces.sources) == "two"))
    second, third = other_model(faces, 1), other_model(faces, 2, bias=-3)
    # The age bins and genders of copies must not decide, so every face is a person of its own.
    random = np.random.default_rng(3)
    second = second.take(np.flatnonzero(random.random(200) < 0.8))
    missing = random.random(200) < 0.3
    return [faces, second, replace(third, age=np.where(missing, np.nan, third.age))]


def row_of(found: SideBySide, metric: str, source: str) -> SourceValues:
    (row,) = [row for row in found.sources if (row.metric, row.source) == (metric, source)]
    return row


def test_values_and_intervals_against_a_loop(models: list[LabelledPredictions]) -> None:
    found = measured(models, models[0])
    assert [(row.metric, row.source) for row in found.sources] == [
        ("mae", "one"),
        ("label_range_accuracy", "two"),
        ("label_range_distance", "two"),
        ("gender_accuracy", "one"),
        ("gender_accuracy", "two"),
    ]
    faces = models[0]
    for row in found.sources:
        errors = naive_values(row.metric, models, row.source)
        assert row.n == len(errors[0]) > 0
        assert row.small == (row.n < 30)
        for place, own in enumerate(errors):
            first = errors[0]
            assert row.values[place].value == pytest.approx(np.mean(list(own.values())), abs=1e-6)
            change = np.mean([own[name] - first[name] for name in own])
            assert row.differences[place].value == pytest.approx(change, abs=1e-6)
        # The resamples draw groups of faces of this source that count for any metric.
        counted = sorted(
            {
                name
                for metric in {row.metric for row in found.sources}
                for name in naive_values(metric, models, row.source)[0]
            },
            key=faces.names.index,
        )
        groups = [int(faces.groups[faces.names.index(name)]) for name in counted]
        numbers = np.unique(groups, return_inverse=True)[1]
        place = ("one", "two").index(row.source)
        seed = 7 if place == 0 else int(np.random.SeedSequence([7, place]).generate_state(1)[0])
        for own, difference in zip(errors[1:], row.differences[1:], strict=True):
            slow = []
            for counts in Bootstrap.draw(numbers, RESAMPLES, seed).counts:
                times = dict(zip(counted, counts.tolist(), strict=True))
                drawn = [name for name in own for _ in range(times[name])]
                slow.append(np.mean([own[name] - errors[0][name] for name in drawn]))
            low, high = np.quantile(slow, [0.025, 0.975])
            assert difference.low == pytest.approx(low, abs=1e-4)
            assert difference.high == pytest.approx(high, abs=1e-4)


def test_the_mean_is_that_of_the_sources_and_the_worst_is_one_of_them(
    models: list[LabelledPredictions],
) -> None:
    found = measured(models, models[0])
    # Each of the metrics of ages is that of one source.
    (mean,) = found.means
    assert (mean.metric, mean.sources) == ("gender_accuracy", ("one", "two"))
    rows = [row_of(found, "gender_accuracy", source) for source in mean.sources]
    for place in range(3):
        values = [row.values[place].value or 0.0 for row in rows]
        assert mean.values[place].value == pytest.approx(np.mean(values))
        changes = [row.differences[place].value or 0.0 for row in rows]
        assert mean.differences[place].value == pytest.approx(np.mean(changes))
        assert mean.worst_values[place] == min(values)
        assert mean.worst[place] == mean.sources[int(np.argmin(values))]


def test_sources_are_resampled_independently(labelled_predictions_of: Labelled) -> None:
    """The variance of a mean over two sources is a quarter of the sum of theirs."""
    half = labelled_predictions_of(300)
    # The same faces and errors in both: equal draws would make the means of both equal.
    twice, second = (
        replace(
            faces.take(np.r_[0:300, 0:300]),
            sources=("one",) * 300 + ("two",) * 300,
            groups=np.arange(600),
        )
        for faces in (half, other_model(half, 5))
    )
    named = [("a", twice), ("b", second)]
    found = side_by_side(twice, named, 2000)
    one, two = (row_of(found, "mae", name).differences[1] for name in ("one", "two"))
    mean = next(each for each in found.means if each.metric == "mae").differences[1]
    assert width(mean) == pytest.approx(np.hypot(width(one), width(two)) / 2, rel=0.1)


def width(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_a_model_compared_with_itself_differs_by_exactly_nothing(
    models: list[LabelledPredictions],
) -> None:
    second = models[1]
    found = measured([second, second], models[0])
    for row in (*found.sources, *found.means):
        for difference in row.differences:
            assert (difference.value, difference.low, difference.high) == (0, 0, 0)
        assert row.values[0] == row.values[1]


def test_the_order_of_faces_and_sources_does_not_matter(
    models: list[LabelledPredictions],
) -> None:
    found = measured(models, models[0])
    turned = [faces.take(np.arange(len(faces))[::-1]) for faces in models]
    everyone = models[0].take(np.arange(len(models[0]))[::-1])
    again = measured(turned, everyone)
    assert again.to_dict() == found.to_dict()


def test_predicted_faces_are_counted(models: list[LabelledPredictions]) -> None:
    found = measured(models, models[0])
    for counted in found.predicted:
        for place, faces in enumerate(models):
            own = [
                row
                for row in range(len(faces))
                if faces.sources[row] == counted.source
                and not np.isnan((faces.age if counted.label == "age" else faces.p_female)[row])
            ]
            assert counted.predicted[place] == len(own)
        assert counted.n == models[0].sources.count(counted.source)
    assert {(each.label, each.source) for each in found.predicted} == {
        *(("age", "one"), ("age", "two"), ("gender", "one"), ("gender", "two"))
    }


def test_one_source_agrees_with_the_comparison_of_two(labelled_predictions_of: Labelled) -> None:
    first = replace(labelled_predictions_of(150), sources=("one",) * 150)
    second = other_model(first, 1)
    found = side_by_side(first, [("a", first), ("b", second)], 200, seed=3)
    pair = compare_predictions(("a", "b"), first, second, Bootstrap.draw(first.groups, 200, 3))
    assert found.means == ()
    for row in found.sources:
        assert row.differences[1].value == pytest.approx(pair.differences[row.metric].value)
        assert row.differences[1].low == pytest.approx(pair.differences[row.metric].low, abs=1e-6)
        assert row.differences[1].high == pytest.approx(pair.differences[row.metric].high, abs=1e-6)


def test_a_model_without_genders_or_without_a_source_leaves_the_others_alone(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(120)
    ages_alone = replace(other_model(faces, 1), p_female=np.full(120, np.nan))
    one_source = other_model(faces, 2).take(np.flatnonzero(np.array(faces.sources) == "one"))
    found = measured([faces, ages_alone, one_source], faces)
    gender = row_of(found, "gender_accuracy", "one")
    assert gender.n == faces.sources.count("one")
    assert gender.values[1].value is gender.differences[1].value is None
    assert gender.values[2].value is not None
    elsewhere = row_of(found, "mae", "two")
    assert elsewhere.n == faces.sources.count("two")
    assert elsewhere.values[2].value is None
    mae = next(mean for mean in found.means if mean.metric == "mae")
    assert [each.value is None for each in mae.values] == [False, False, True]
    assert mae.worst[2] is mae.worst_values[2] is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_models_that_predict_no_face_in_common_have_no_values(
    labelled_predictions_of: Labelled,
) -> None:
    faces = labelled_predictions_of(60)
    halves = [faces.take(np.arange(30)), other_model(faces, 1).take(np.arange(30, 60))]
    found = measured(halves, faces)
    assert {row.n for row in found.sources} == {0}
    assert {each.value for row in found.sources for each in row.values} == {None}


def test_five_thousand_faces_of_three_models_are_quick(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(5000)
    faces = replace(faces, sources=tuple(f"s{index % 3}" for index in range(5000)))
    named = [("a", faces), ("b", other_model(faces, 1)), ("c", other_model(faces, 2))]
    started = time.process_time()
    side_by_side(faces, named, 2000)
    assert time.process_time() - started < 20
