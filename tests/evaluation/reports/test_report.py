"""The report: its charts, its page and the Markdown for a model card."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from partial_labels import with_ranges, without

from utkage.core.reporter import SilentReporter
from utkage.evaluation.age_checks.thresholds import threshold_curve
from utkage.evaluation.comparison.paired_metrics import compare_predictions
from utkage.evaluation.groups.group_metrics import group_report
from utkage.evaluation.guards import guard_predictions
from utkage.evaluation.inputs.labelled_predictions import AGE, GENDER, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.reports import charts, tables
from utkage.evaluation.reports.model_card import model_card
from utkage.evaluation.reports.report import render_evaluation_page
from utkage.evaluation.reports.report_page import Page
from utkage.evaluation.reports.result_files import prediction_rows
from utkage.evaluation.reports.tables import metrics_table
from utkage.reporting.figure_files import save_figure
from utkage.reporting.table import markdown_table

LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_pictures_are_png_and_svg(page: Page) -> None:
    for path in page.charts.values():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_page_needs_nothing_else_and_escapes(page: Page) -> None:
    text = render_evaluation_page(page)
    assert "weights &lt;b&gt; &amp; faces" in text
    assert "<script>alert" not in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    assert "coarse" in text
    assert "McNemar" in text


def test_no_label_of_a_chart_is_a_formula(page: Page) -> None:
    for path in page.charts.values():
        assert "mathdefault" not in path.read_text(encoding="utf-8")


def test_a_name_is_no_html_in_markdown(page: Page) -> None:
    text = model_card(replace(page, title="<script>x</script>", facts={"data": "<img src=x>"}))
    assert "# &lt;script>x" in text
    assert "<" not in text


def test_the_card_has_the_sections_of_mitchell_in_order(page: Page) -> None:
    text = model_card(page, "---\nlicense: other\n---")
    assert text.startswith("---\nlicense: other\n---\n\n# ")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections == [
        *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats and recommendations",
    ]


def test_markdown_for_a_model_card(page: Page) -> None:
    text = model_card(page)
    assert "| MAE, years | " in text
    assert "| race Asian" in text
    assert "P(age >= 18)" in text
    widths = {
        line.count("|") for line in markdown_table(metrics_table(page.populations)).splitlines()
    }
    assert widths == {5}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.filterwarnings("error")
def test_pictures_of_a_few_faces(
    tmp_path: Path, count: int, labelled_predictions_of: LabelledPredictionsOf
) -> None:
    faces = replace(labelled_predictions_of(count), genders=np.zeros(count, dtype=np.int64))
    assert faces.predictions is not None
    bootstrap = Bootstrap.draw(faces.groups, 100)
    groups = group_report(faces, bootstrap)
    everyone = populations(faces, bootstrap)
    curve = threshold_curve(
        faces.ages, faces.predictions.probability_at_least(18), 18, faces.groups
    )
    figures = [
        charts.age_density(faces),
        charts.error_by_age(groups.of_axis("decade")),
        charts.cumulative_scores(everyone),
        charts.risk_and_coverage(faces),
        charts.gender_confusion(faces),
        charts.range_confusion(faces),
        charts.reliability_diagram(faces),
        charts.threshold_chart(curve),
        charts.group_forest(groups.groups),
    ]
    for number, figure in enumerate(figures):
        assert figure is not None
        save_figure(figure, tmp_path, str(number))
    empty = Page(
        title="few",
        facts={},
        warnings=[],
        populations=everyone,
        groups=groups,
        threshold=curve,
        comparisons=(),
        stress=None,
        charts={},
    )
    assert "few" in render_evaluation_page(empty)


KINDS = (
    *("ranges", "no ages", "no genders", "mixed"),
    *("no predicted ages", "no predicted genders", "genders in words"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_can_be_made(
    labelled_predictions_of: LabelledPredictionsOf, kind: str
) -> None:
    faces = labelled_predictions_of(150)
    every, some = np.arange(150), np.arange(0, 150, 2)
    if kind == "ranges":
        faces = with_ranges(faces, every)
    elif kind == "no ages":
        faces = without(faces, AGE, every)
    elif kind == "no genders":
        faces = without(faces, GENDER, every)
    elif kind == "no predicted ages":
        faces = replace(faces, age=np.full(150, np.nan), predictions=None)
    elif kind == "no predicted genders":
        faces = replace(faces, p_female=np.full(150, np.nan), predictions=None)
    elif kind == "genders in words":
        faces = replace(faces, gender_is_hard=True, predictions=None)
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
    assert guard_predictions(faces, "w", allow=False, reporter=SilentReporter()) == ()
    charts.cumulative_scores(found)
    charts.group_forest(groups.groups)
    worst, best = charts.extreme_faces(faces)
    assert len(worst) == len(best)
    reliability = charts.reliability_diagram(faces)
    assert (reliability is None) == (kind in ("no predicted genders", "genders in words"))
    ages = {row[2] for row in prediction_rows(faces)}
    assert ("20-29" in ages) == (kind in ("ranges", "mixed"))
    assert ("" in ages) == (kind in ("no ages", "mixed"))
