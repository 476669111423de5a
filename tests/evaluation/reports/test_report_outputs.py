"""The files of an evaluation: their names, and which existing files they may replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.core.single_writer import holding_folder
from utkage.evaluation.reports.report_outputs import (
    METRICS,
    PREDICTION_COLUMNS,
    PREDICTIONS,
    check_report_folder,
    holding_report,
    report_files,
)


def test_a_plain_evaluation_writes_two_files(tmp_path: Path) -> None:
    names = {path.name for path in report_files(tmp_path, plot_cm=False, report=False)}
    assert names == {"metrics.json", "predictions.csv"}
    drawn = {path.name for path in report_files(tmp_path, plot_cm=True, report=False)}
    assert drawn - names == {"confusion_matrix.png"}


def test_a_report_has_each_chart_in_both_formats(tmp_path: Path) -> None:
    paths = report_files(tmp_path, plot_cm=False, report=True)
    charts = {path.name for path in paths if path.parent == tmp_path / "pictures"}
    assert {"groups.png", "groups.svg", "confusion_matrix.svg"} <= charts
    assert {path.relative_to(tmp_path).as_posix() for path in paths} >= {
        *("report.html", "model_card.md", "predictions.parquet", "faces.png", "faces.svg"),
    }


def test_earlier_predictions_are_recognised_by_their_first_line(tmp_path: Path) -> None:
    path = tmp_path / PREDICTIONS
    path.write_text(",".join(PREDICTION_COLUMNS) + "\na,b.jpg\n")
    check_report_folder(tmp_path, [])
    former = "source,file,age,gender,race,predicted_age,age_low,age_high,range,predicted_range"
    path.write_text(f"{former},p_female\n")
    check_report_folder(tmp_path, [])
    path.write_text(f"{former}\n")
    with pytest.raises(UsageError, match=r"predictions\.csv: exists and is not an earlier output"):
        check_report_folder(tmp_path, [])
    check_report_folder(tmp_path, [], overwrite=True)


def test_files_that_are_not_written_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("a page of somebody else")
    check_report_folder(tmp_path, [])
    with pytest.raises(UsageError, match=r"report\.html"):
        check_report_folder(tmp_path, [], report=True)


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / METRICS
    path.write_text('{"range_confusion": []}')
    check_report_folder(tmp_path, [])
    with pytest.raises(UsageError, match="is an input of this command"):
        check_report_folder(tmp_path, [path], overwrite=True)


def test_the_folder_is_held(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        holding_report(out, [], plot_cm=False, report=False, overwrite=False),
        pytest.raises(UsageError, match="another utkage is writing here"),
        holding_folder(out, {METRICS}.__contains__),
    ):
        pass
