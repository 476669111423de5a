from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from utkage.core.files import write_json
from utkage.data.labels import RACES
from utkage.evaluation.groups.group_metrics import GroupReport, group_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.models.calibration import LEVELS, AgeBand, Calibration

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def report(faces: LabelledPredictions) -> GroupReport:
    return group_report(faces, Bootstrap.draw(faces.groups, 300))


def test_every_group_against_a_loop(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(400)
    found = report(faces)
    errors = np.abs(faces.age - faces.ages)
    women = faces.genders == 1
    for name, mask in (("female", women), ("male", ~women)):
        (group,) = [group for group in found.of_axis("gender") if group.name == name]
        assert group.n == mask.sum()
        assert group.metrics["mae"].value == pytest.approx(errors[mask].mean())
        assert group.metrics["gender_accuracy"].value == pytest.approx(
            (faces.gender == faces.genders)[mask].mean()
        )
    black_women = women & (faces.races == 1)
    (group,) = [g for g in found.of_axis("gender x race") if g.name == f"female, {RACES[1]}"]
    assert group.n == black_women.sum()
    assert group.metrics["bias"].value == pytest.approx(
        (faces.age - faces.ages)[black_women].mean()
    )
    for axis in ("range", "decade", "source"):
        assert sum(group.n for group in found.of_axis(axis)) == 400
    assert [group.name for group in found.of_axis("range")][:2] == ["0-4", "5-9"]
    for group in found.groups:
        assert group.n > 0
        assert group.small == (group.n < 30)
        assert group.metrics["mae"].low is None or group.metrics["mae"].low <= errors.max()


def test_bands_of_the_calibration_are_groups(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(300)
    assert faces.predictions is not None
    calibration = Calibration(
        gender_temperature=1,
        range_temperature=1,
        levels=LEVELS,
        bands=(AgeBand(0, 9, LEVELS), AgeBand(40, 9, LEVELS)),
    )
    faces = replace(faces, predictions=replace(faces.predictions, calibration=calibration))
    first, second = report(faces).of_axis("predicted age")
    assert (first.name, second.name) == ("0 to 40", "40 and up")
    assert first.n == (faces.age < 40).sum()
    low, high = faces.predictions.age_interval(0.9)
    inside = (low <= faces.ages) & (faces.ages <= high)
    assert second.metrics["coverage_90"].value == pytest.approx(inside[faces.age >= 40].mean())


def test_error_beyond_what_ages_explain(labelled_predictions_of: LabelledPredictionsOf) -> None:
    """Two groups of one error at each age have no excess, however their ages differ."""
    faces = labelled_predictions_of(400)
    old = faces.ages >= 61
    faces = replace(faces, age=faces.ages + np.where(old, 9.0, 2.0), genders=np.where(old, 1, 0))
    gaps = {gap.metric: gap for gap in report(faces).gaps if gap.axis == "gender"}
    assert gaps["mae"].difference.value == pytest.approx(7)
    assert (gaps["mae"].best, gaps["mae"].worst) == ("male", "female")
    assert gaps["excess_error"].difference.value == pytest.approx(0, abs=1e-6)


def test_worst_groups_have_enough_faces(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(600)
    bad = (faces.ages // 10 == 7) & (faces.genders == 1)
    faces = replace(faces, age=np.where(bad, faces.age + 25, faces.age))
    found = report(faces)
    worst = found.worst("mae")
    assert worst[0].axis in ("decade", "gender x range", "range")
    assert worst[0].n >= 50
    values = [group.metrics["mae"].value for group in worst]
    assert values == sorted(values, reverse=True)
    accuracies = [
        group.metrics["gender_accuracy"].value for group in found.worst("gender_accuracy")
    ]
    assert accuracies == sorted(accuracies)


def test_without_race_labels_nothing_is_said_of_race(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = replace(labelled_predictions_of(80), races=np.full(80, -1))
    found = report(faces)
    assert not [group for group in found.groups if "race" in group.axis]
    assert {gap.axis for gap in found.gaps} <= {"gender"}


def test_the_dictionary_is_json(
    labelled_predictions_of: LabelledPredictionsOf, tmp_path: object
) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    value = report(labelled_predictions_of(200)).to_dict()
    write_json(tmp_path / "a.json", value)
    assert "coarse" in value["caveat"]
