"""Tables are built once; every renderer takes the same value."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from utkage.cli.tables import print_table
from utkage.evaluation.groups.axes import axis_of_texts
from utkage.evaluation.groups.group_metrics import GROUP_METRICS, group_report
from utkage.evaluation.inputs.labelled_predictions import AGE_RANGE, LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.metrics.populations import populations
from utkage.evaluation.metrics.registry import METRICS
from utkage.evaluation.reports import tables
from utkage.reporting.table import Table, markdown_table


@pytest.fixture(scope="module")
def faces(labelled_predictions_of: Callable[..., LabelledPredictions]) -> LabelledPredictions:
    return labelled_predictions_of(300)


@pytest.fixture(scope="module")
def bootstrap(faces: LabelledPredictions) -> Bootstrap:
    return Bootstrap.draw(faces.groups, 100)


def printed(table: Table) -> str:
    console = Console(file=io.StringIO(), width=250)
    print_table(table, console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_every_metric_has_a_row(faces: LabelledPredictions, bootstrap: Bootstrap) -> None:
    table = tables.metrics_table(populations(faces, bootstrap))
    metrics = [metric for metric in METRICS.values() if metric.needs != AGE_RANGE]
    assert [row[0].text for row in table.rows] == [metric.heading for metric in metrics]
    assert all(cell.value is not None for row in table.rows for cell in row[1:])


def test_small_groups_are_marked_in_text_and_muted(
    faces: LabelledPredictions, bootstrap: Bootstrap
) -> None:
    report = group_report(faces, bootstrap)
    table = tables.groups_table(report.groups)
    assert len(table.columns) == 2 + sum(m.needs != AGE_RANGE for m in GROUP_METRICS.values())
    for index, group in enumerate(report.groups):
        assert (index in table.muted) == group.small
        assert table.rows[index][0].text.endswith("(few faces)") == group.small
    worst = tables.worst_table(report, count=2)
    assert [row[1].text for row in worst.rows[:2]] == [g.label for g in report.worst("mae", 2)]


def test_the_terminal_shows_the_largest_of_many_groups_and_names_what_is_missing(
    faces: LabelledPredictions, bootstrap: Bootstrap
) -> None:
    # Person 0 has 10 faces; 17 faces are of nobody known.
    persons = ["p0"] * 10 + [""] * 17 + [f"p{1 + index % 40}" for index in range(273)]
    axis = axis_of_texts("person", persons)
    report = group_report(faces, bootstrap, [axis])
    shown = tables.shown_groups(report)
    assert len(shown) == tables.SHOWN_GROUPS
    assert ("person", "p0") in shown
    table = tables.chosen_groups_table(report, len(faces))
    assert [row[0].text for row in table.rows][:2] == [
        "person p0 (few faces)",
        "person p1 (few faces)",
    ]
    assert len(table.rows) == tables.SHOWN_GROUPS
    assert table.note.splitlines() == [
        "person: 21 smaller groups in metrics.json.",
        "person: unknown of 17 faces.",
    ]


def test_terminal_and_markdown_show_the_same_cells(
    faces: LabelledPredictions, bootstrap: Bootstrap
) -> None:
    table = tables.metrics_table(populations(faces, bootstrap))
    terminal, markdown = printed(table), markdown_table(table)
    for row in table.rows:
        for cell in row:
            assert cell.text in terminal
            assert cell.text in markdown
