"""A page of made predictions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from utkage.evaluation.age_checks.thresholds import threshold_curve
from utkage.evaluation.comparison.paired_metrics import compare_predictions
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.reports import charts
from utkage.evaluation.reports.report_page import Page
from utkage.reporting.figure_files import save_figure

LabelledPredictionsOf = Callable[..., LabelledPredictions]
TITLE = "weights <b> & faces"


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, labelled_predictions_of: LabelledPredictionsOf
) -> Page:
    folder = tmp_path_factory.mktemp("page")
    faces = labelled_predictions_of(260)
    assert faces.predictions is not None
    bootstrap = Bootstrap.draw(faces.groups, 100)
    groups = group_report(faces, bootstrap)
    everyone = populations(faces, bootstrap)
    curve = threshold_curve(
        faces.ages, faces.predictions.probability_at_least(18), 18, faces.groups
    )
    risk = charts.risk_and_coverage(faces)
    assert risk is not None
    figures = {
        "density": charts.age_density(faces),
        "error": charts.error_by_age(groups.of_axis("decade")),
        "score": charts.cumulative_scores(everyone),
        "risk": risk,
        "gender": charts.gender_confusion(faces),
        "ranges": charts.range_confusion(faces),
        "reliability": charts.reliability_diagram(faces),
        "threshold": charts.threshold_chart(curve),
        "groups": charts.group_forest(groups.of_axis("race")),
    }
    files = {name: save_figure(figure, folder, name)["svg"] for name, figure in figures.items()}
    comparison = compare_predictions(("one", "two"), faces, faces, bootstrap)
    facts = {"command": "utkage evaluate --out 'a <script>alert(1)</script>'"}
    return Page(
        title=TITLE,
        facts=facts,
        warnings=["mind this"],
        populations=everyone,
        groups=groups,
        threshold=curve,
        comparisons=(comparison,),
        stress=None,
        charts=files,
    )
