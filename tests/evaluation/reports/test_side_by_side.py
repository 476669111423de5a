"""The table of several models on several sources."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from utkage.cli.tables import print_table
from utkage.evaluation.comparison.side_by_side import SideBySide, side_by_side
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.reports.model_card import model_card
from utkage.evaluation.reports.report import render_evaluation_page
from utkage.evaluation.reports.report_page import Page
from utkage.evaluation.reports.side_by_side import side_by_side_table

Labelled = Callable[..., LabelledPredictions]


@pytest.fixture(scope="module")
def found(labelled_predictions_of: Labelled) -> SideBySide:
    """Three models on a source of 25 faces and one of 95; the third lacks 40 ages of the latter."""
    faces = labelled_predictions_of(120)
    faces = replace(faces, sources=("few",) * 25 + ("many",) * 95)
    random = np.random.default_rng(1)
    second, third = (
        replace(faces, age=faces.ages + random.normal(bias, 4, 120), predictions=None)
        for bias in (3, -6)
    )
    third = replace(third, age=np.where(np.arange(120) < 80, third.age, np.nan))
    names = ("runs/first/best.safetensors", "runs/second/best.safetensors", "their/answers.csv")
    models = list(zip(names, (faces, second, third), strict=True))
    return side_by_side(faces, models, 100)


def test_each_row_shows_the_values_and_the_differences(found: SideBySide) -> None:
    table = side_by_side_table(found)
    assert table.columns == ("metric", "source", "n", "first/best", "second/best", "answers.csv")
    heads = [[cell.text for cell in row[:3]] for row in table.rows]
    assert heads == [
        ["MAE, years", "few (few faces)", "25"],
        ["MAE, years", "many", "55"],
        ["MAE, years", "mean of 2 sources", ""],
        ["MAE, years", "worst source", ""],
        ["gender accuracy", "few (few faces)", "25"],
        ["gender accuracy", "many", "95"],
        ["gender accuracy", "mean of 2 sources", ""],
        ["gender accuracy", "worst source", ""],
        ["age predicted", "many", "95"],
    ]
    assert table.muted == {0, 4}
    row, own = table.rows[1], found.sources[1]
    value, change = own.values[2].value, own.differences[2]
    assert None not in (value, change.value, change.low, change.high)
    assert row[5].text == (
        f"{value:.2f}, {change.value:+.2f} ({change.low:.2f} to {change.high:.2f})"
    )
    assert row[5].value == value
    assert row[3].text.startswith(f"{own.values[0].value:.2f} (")
    assert table.rows[7][3].text.endswith(f"({found.means[1].worst[0]})")
    assert [cell.text for cell in table.rows[8][3:]] == ["100.0% (95)", "100.0% (95)", "57.9% (55)"]
    assert "difference to first/best" in table.note
    assert "faces that all models predict" in table.note


def test_nothing_is_said_of_coverage_if_all_is_predicted(labelled_predictions_of: Labelled) -> None:
    faces = labelled_predictions_of(60)
    found = side_by_side(faces, [("a", faces), ("b", faces)], 100)
    table = side_by_side_table(found)
    assert not any("predicted" in row[0].text for row in table.rows)
    assert "all models predict" not in table.note
    assert {row[4].text.partition(", ")[2] for row in table.rows} >= {"+0.00 (0.00 to 0.00)"}


def test_eighty_columns_keep_intervals_whole(found: SideBySide) -> None:
    stream = io.StringIO()
    table = side_by_side_table(found)
    print_table(table, Console(file=stream, width=80))
    lines = stream.getvalue().splitlines()
    assert max(len(line) for line in lines if line.startswith(("│", "┃"))) <= 80
    for row in table.rows:
        for cell in row[3:]:
            interval = cell.text.partition(" (")[2]
            assert any(f"({interval}" in line for line in lines), cell.text


def test_the_page_and_the_model_card_show_the_table(page: Page, found: SideBySide) -> None:
    (row,) = [row for row in side_by_side_table(found).rows if row[1].text == "many"][:1]
    shown = replace(page, side_by_side=found, charts={})
    assert row[4].text in model_card(shown)
    html = render_evaluation_page(shown).replace(' <span class="interval">', " ")
    assert row[4].text in html.replace("</span>", "")
    assert "Models side by side" in html
    assert "Models side by side" not in render_evaluation_page(replace(page, charts={}))
