"""The first screen of a report: sentences whose numbers are those of the metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from partial_labels import with_ranges, without

from utkage.evaluation.age_checks.thresholds import threshold_curve
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.inputs.labelled_predictions import AGE, GENDER, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap, Estimate
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.registry import SHARE, format_value
from utkage.evaluation.reports.summary import FINDINGS, Summary, summarise
from utkage.evaluation.robustness.corruption_errors import (
    CorruptionLevel,
    CorruptionResult,
    RobustnessReport,
)

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def summary_of(faces: LabelledPredictions, stress: RobustnessReport | None = None) -> Summary:
    bootstrap = Bootstrap.draw(faces.groups, 20)
    everyone = populations(faces, bootstrap)[0]
    return summarise(everyone, group_report(faces, bootstrap), None, stress)


def test_the_numbers_are_those_of_the_metrics(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(600)
    bootstrap = Bootstrap.draw(faces.groups, 20)
    everyone, groups = populations(faces, bootstrap)[0], group_report(faces, bootstrap)
    found = summarise(everyone, groups, None, None)
    mae, gender = (everyone.metrics[name].value for name in ("mae", "gender_accuracy"))
    assert mae == pytest.approx(np.abs(faces.age - faces.ages).mean())
    assert found.tested[0].startswith("Age and gender of 600 faces")
    assert f" {mae:.1f} years on average" in found.tested[1]
    assert gender is not None
    assert format_value(gender, SHARE) in found.tested[3]
    (genders,) = (line for line in found.people if line.startswith("Gender: "))
    counts = {group.name: group.n for group in groups.of_axis("gender")}
    assert genders == f"Gender: male ({counts['male']}), female ({counts['female']})."
    far = float(np.mean(np.abs(faces.age - faces.ages) > 10))
    assert f"{format_value(far, SHARE)} of the ages are over 10 years wrong" in found.not_for[0]


def test_a_planted_error_is_found_first(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(800)
    age = np.where(faces.races == 2, faces.ages + 25.0, faces.ages + 0.5)
    found = summary_of(replace(faces, age=age, predictions=None))
    assert "Asian" in found.findings[0]
    assert "25.0 years" in found.findings[0]
    assert any("Asian" in line and "25.0 years too old" in line for line in found.findings)


def test_wrong_genders_are_found(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(800)
    wrong = (faces.races == 1) & (np.arange(800) % 2 == 0)
    female = np.where(wrong, 1 - faces.genders, faces.genders).astype(np.float64)
    faces = replace(faces, age=faces.ages.astype(np.float64), p_female=female, predictions=None)
    assert "Gender is most often wrong for" in summary_of(faces).findings[0]
    assert "Black" in summary_of(faces).findings[0]


def test_nothing_worse_than_the_rest(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(400)
    perfect = replace(
        faces, age=faces.ages + 1.0, p_female=faces.genders.astype(float), predictions=None
    )
    assert summary_of(perfect).findings == (
        "No group of at least 50 faces does worse than all faces together by more than chance "
        "explains.",
    )


def test_chance_is_no_finding(labelled_predictions_of: LabelledPredictionsOf) -> None:
    """Errors that have nothing to do with the groups."""
    faces = labelled_predictions_of(400)
    errors = np.random.default_rng(3).normal(0, 5, 400)
    races = np.arange(400) % 2
    faces = replace(faces, ages=np.full(400, 40), genders=np.full(400, -1), races=races)
    noisy = replace(faces, age=40 + errors, p_female=np.full(400, np.nan), predictions=None)
    bootstrap = Bootstrap.draw(noisy.groups, 500)
    everyone, groups = populations(noisy, bootstrap)[0], group_report(noisy, bootstrap)
    assert max(group.value("mae") for group in groups.of_axis("race")) > abs(errors).mean()
    assert summarise(everyone, groups, None, None).findings[0].startswith("No group")


def test_young_faces_that_pass_are_a_finding(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(800)
    bootstrap = Bootstrap.draw(faces.groups, 20)
    everyone, groups = populations(faces, bootstrap)[0], group_report(faces, bootstrap)
    likely = ((faces.ages >= 18) | (faces.ages >= 11)).astype(np.float64)
    curve = threshold_curve(faces.ages, likely, 18, faces.groups)
    found = summarise(everyone, groups, curve, None).findings
    assert found[0].startswith("100.0% of the faces aged 11 to 17 pass as 18 or older")


def test_findings_are_of_different_kinds(labelled_predictions_of: LabelledPredictionsOf) -> None:
    levels = tuple(
        CorruptionLevel(k, str(k), Estimate(10.0 * k, 9.0, 11.0, 400), Estimate(0.9, 0.8, 1, 400))
        for k in (1, 2)
    )
    factors = (
        CorruptionResult("blur", "blur, sigma", levels, "1"),
        CorruptionResult("noise", "noise, sigma", levels, "1"),
    )
    found = summary_of(labelled_predictions_of(600), RobustnessReport(400, 4.0, factors)).findings
    assert len(found) == FINDINGS
    assert found[0].startswith('Under the corruption "blur, sigma" at 2')
    assert "20.0 years on average, against 4.0 without" in found[0]
    assert sum("corruption" in line for line in found) == 1


def test_small_groups_are_named(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(400)
    races = np.where(np.arange(400) < 7, 4, 0)
    last = summary_of(replace(faces, races=races)).not_for[-1]
    assert last == "Statements about groups of fewer than 30 faces here: race Others (7)."


@pytest.mark.parametrize("kind", ["ranges", "no ages", "no genders", "few"])
def test_partial_labels(labelled_predictions_of: LabelledPredictionsOf, kind: str) -> None:
    faces = labelled_predictions_of(3 if kind == "few" else 150)
    every = np.arange(len(faces))
    if kind == "ranges":
        faces = with_ranges(faces, every)
    elif kind == "no ages":
        faces = without(faces, AGE, every)
    elif kind == "no genders":
        faces = without(faces, GENDER, every)
    found = summary_of(faces)
    text = " ".join((*found.tested, *found.people, *found.findings, *found.not_for))
    assert "nan" not in text
    assert ("within the labelled range" in text) == (kind == "ranges")
    assert ("years on average" in text) == (kind not in ("ranges", "no ages"))
    assert ("predicted gender" in text) == (kind != "no genders")
    start = {"no ages": "Gender of", "no genders": "Age of"}.get(kind, "Age and gender of")
    assert found.tested[0].startswith(start)
