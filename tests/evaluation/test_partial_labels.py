"""Metrics over faces whose age is a range, and over faces with only one of the labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.evaluation.bootstrap import Bootstrap
from utkage.evaluation.comparison import compare_predictions
from utkage.evaluation.groups import group_report
from utkage.evaluation.guards import guard_predictions
from utkage.evaluation.labelled_predictions import AGE, AGE_RANGE, GENDER, LabelledPredictions
from utkage.evaluation.metrics import METRICS, statistics
from utkage.evaluation.populations import populations
from utkage.evaluation.reports import charts, tables
from utkage.evaluation.result_files import prediction_rows
from utkage.evaluation.scores import score_predictions

Answered = Callable[..., LabelledPredictions]
BINS = np.array([(0, 2), (3, 9), (10, 19), *((d, d + 9) for d in range(20, 70, 10)), (70, 116)])


def with_ranges(faces: LabelledPredictions, rows: np.ndarray) -> LabelledPredictions:
    """The ages of some faces known only as the bins of FairFace."""
    ranges = np.stack([faces.ages, faces.ages], axis=1)
    ranges[rows] = BINS[np.searchsorted(BINS[:, 0], faces.ages[rows], side="right") - 1]
    ages = faces.ages.copy()
    ages[rows] = -1
    return replace(faces, ages=ages, age_ranges=ranges)


def without(faces: LabelledPredictions, label: str, rows: np.ndarray) -> LabelledPredictions:
    """Some faces without age or without gender."""
    if label == GENDER:
        genders = faces.genders.copy()
        genders[rows] = -1
        return replace(faces, genders=genders)
    ages, ranges = faces.ages.copy(), faces.allowed_ages.copy()
    ages[rows] = ranges[rows] = -1
    return replace(faces, ages=ages, age_ranges=ranges)


def test_ranges_are_scored_by_their_ends_and_never_by_their_middle(
    labelled_predictions_of: Answered,
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


def test_each_metric_is_that_of_the_faces_with_its_label(
    labelled_predictions_of: Answered,
) -> None:
    whole = labelled_predictions_of(120)
    faces = with_ranges(without(whole, GENDER, np.arange(0, 20)), np.arange(10, 60))
    faces = without(faces, AGE, np.arange(60, 70))
    parts = {
        AGE: np.r_[0:10, 70:120],
        GENDER: np.arange(20, 120),
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


@pytest.mark.parametrize("kind", ["ranges", "no ages", "no genders", "mixed"])
def test_every_report_can_be_made(labelled_predictions_of: Answered, kind: str) -> None:
    faces = labelled_predictions_of(150)
    every, some = np.arange(150), np.arange(0, 150, 2)
    if kind == "ranges":
        faces = with_ranges(faces, every)
    elif kind == "no ages":
        faces = without(faces, AGE, every)
    elif kind == "no genders":
        faces = without(faces, GENDER, every)
    else:
        faces = without(with_ranges(without(faces, GENDER, some), some + 1), AGE, some[:20])
    bootstrap = Bootstrap.draw(faces.groups, 50)
    found, groups = populations(faces, bootstrap), group_report(faces, bootstrap)
    for table in (
        tables.metrics_table(found),
        tables.groups_table(groups.groups),
        tables.card_groups_table(groups),
        tables.worst_table(groups),
        tables.gaps_table(groups),
    ):
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert compare_predictions(("a", "b"), faces, faces, bootstrap).gender.p_value == 1
    from utkage.core.reporter import SilentReporter

    assert guard_predictions(faces, "w", allow=False, reporter=SilentReporter()) == ()
    charts.cumulative_scores(found)
    charts.group_forest(groups.groups)
    charts.extreme_faces(faces)
    ages = {row[2] for row in prediction_rows(faces)}
    assert ("20-29" in ages) == (kind in ("ranges", "mixed"))
    assert ("" in ages) == (kind in ("no ages", "mixed"))


def test_inverted_genders_are_found_among_faces_without_gender(
    labelled_predictions_of: Answered,
) -> None:
    from utkage.core.errors import DataError
    from utkage.core.reporter import SilentReporter

    faces = labelled_predictions_of(200)
    faces = without(replace(faces, genders=1 - faces.genders), GENDER, np.arange(50))
    with pytest.raises(DataError, match="inverted"):
        guard_predictions(faces, "w", allow=False, reporter=SilentReporter())


def test_populations_hold_only_faces_that_certainly_belong(
    labelled_predictions_of: Answered,
) -> None:
    faces = with_ranges(labelled_predictions_of(150), np.arange(150))
    everyone, adults, protocol = populations(faces, Bootstrap.draw(faces.groups, 20))
    low, high = faces.allowed_ages.T
    assert everyone.n == 150
    assert adults.n == int((low >= 16).sum())
    assert protocol.n == int(((low >= 21) & (high <= 60)).sum())
