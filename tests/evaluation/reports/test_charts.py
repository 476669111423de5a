from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.reports import charts
from utkage.reporting.figure_files import save_figure

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_pictures_of_the_same_figures_are_the_same_bytes(
    tmp_path: Path, labelled_predictions_of: LabelledPredictionsOf
) -> None:
    faces = labelled_predictions_of(40)
    written = [
        save_figure(charts.gender_confusion(faces), tmp_path / name, "gender")["svg"]
        for name in ("first", "second")
    ]
    assert written[0].read_bytes() == written[1].read_bytes()


def test_the_contact_sheet_shows_the_extremes(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(40)
    worst, best = charts.extreme_faces(faces)
    errors = np.abs(faces.age - faces.ages)
    assert errors[worst[0]] == errors.max()
    assert errors[best[0]] == errors.min()
    chips = {int(row): np.zeros((8, 8, 3), dtype=np.uint8) for row in (*worst, *best)}
    figure = charts.contact_sheet(faces, chips)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 32


def test_cumulative_scores_are_the_shares_of_small_errors(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(80)
    figure = charts.cumulative_scores(populations(faces, Bootstrap.draw(faces.groups, 100)))
    (axis,) = figure.axes
    line = axis.lines[0]
    errors = np.abs(faces.age - faces.ages)
    for years, share in zip(line.get_xdata(), line.get_ydata(), strict=True):
        assert np.isclose(share, np.mean(errors <= years), atol=1e-6)


def test_without_intervals_there_is_no_risk_to_draw(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(40)
    assert charts.risk_and_coverage(faces) is not None
    assert charts.risk_and_coverage(replace(faces, predictions=None)) is None
