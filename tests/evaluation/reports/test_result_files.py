from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from utkage.core.errors import UsageError
from utkage.data.labels import RANGE_NAMES
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.reports.report_outputs import PREDICTION_COLUMNS, check_report_folder
from utkage.evaluation.reports.result_files import prediction_rows, write_files

FORMER_HEADER = (
    "source,file,age,gender,race,predicted_age,age_low,age_high,range,predicted_range,p_female"
)
LabelledPredictionsOf = Callable[..., LabelledPredictions]


def test_one_row_per_face(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(20)
    assert faces.predictions is not None
    rows = [dict(zip(PREDICTION_COLUMNS, row, strict=True)) for row in prediction_rows(faces)]
    assert [row["file"] for row in rows] == list(faces.names)
    assert [row["source"] for row in rows] == list(faces.sources)
    assert [row["true_age"] for row in rows] == faces.ages.tolist()
    low, high = faces.predictions.age_interval(0.8)
    for index, row in enumerate(rows):
        assert row["predicted_age"] == f"{faces.age[index]:.2f}"
        assert (row["age_low"], row["age_high"]) == (f"{low[index]:.2f}", f"{high[index]:.2f}")
        assert row["true_range"] == RANGE_NAMES[faces.ranges[index]]
        assert row["predicted_range"] == RANGE_NAMES[faces.range_index[index]]
        assert row["p_female"] == f"{faces.p_female[index]:.4f}"
        assert row["true_race"] == ("" if faces.races[index] < 0 else faces.races[index])
        assert row["true_gender"] == ("female" if faces.genders[index] else "male")


def test_unknown_values_are_empty(labelled_predictions_of: LabelledPredictionsOf) -> None:
    faces = labelled_predictions_of(3)
    unknown = np.full(3, -1)
    faces = replace(faces, ages=unknown, genders=unknown, races=unknown, predictions=None)
    for row in prediction_rows(faces):
        found = dict(zip(PREDICTION_COLUMNS, row, strict=True))
        empty = {name for name, value in found.items() if value == ""}
        labels = {"true_age", "true_gender", "true_race", "true_range"}
        assert empty == labels | {"age_low", "age_high", "threshold", "p_at_least"}


def test_rows_have_the_probability_at_the_threshold(
    labelled_predictions_of: LabelledPredictionsOf,
) -> None:
    faces = labelled_predictions_of(20)
    assert faces.predictions is not None
    rows = [dict(zip(PREDICTION_COLUMNS, row, strict=True)) for row in prediction_rows(faces, 18)]
    likely = faces.predictions.probability_at_least(18)
    assert {row["threshold"] for row in rows} == {18}
    assert [row["p_at_least"] for row in rows] == [f"{value:.4f}" for value in likely]


@pytest.mark.parametrize("first", [FORMER_HEADER, ",".join(PREDICTION_COLUMNS)])
def test_a_report_replaces_one_of_either_version(tmp_path: Path, first: str) -> None:
    (tmp_path / "predictions.csv").write_text(f"{first}\n")
    check_report_folder(tmp_path, [], overwrite=False)
    # Labels of somebody else may begin like our columns.
    for foreign in ("file,age\n", "source,file,age,gender\n", f"x\n{first}\n"):
        (tmp_path / "predictions.csv").write_text(foreign)
        with pytest.raises(UsageError, match=r"predictions\.csv"):
            check_report_folder(tmp_path, [], overwrite=False)


@dataclass(frozen=True)
class _Result:
    """The part of an ``EvaluateResult`` that is written."""

    files: dict[str, Path]
    threshold: None = None

    def to_dict(self) -> dict[str, Any]:
        return {"files": {kind: str(path) for kind, path in self.files.items()}}


def test_the_numbers_come_before_the_charts(
    labelled_predictions_of: LabelledPredictionsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("a chart that cannot be drawn")

    monkeypatch.setattr("utkage.evaluation.reports.report.write_report", fail)
    faces = labelled_predictions_of(30)
    faces = replace(faces, names=("=1.jpg", *faces.names[1:]))
    result: Any = _Result({})
    options: Any = {"plot_cm": False, "report": True, "csv_safe": True}
    with pytest.raises(ValueError, match="cannot be drawn"):
        write_files(result, faces, cast(Any, None), tmp_path, **options)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert set(metrics["files"]) == {"metrics", "predictions"}
    assert (tmp_path / "predictions.csv").read_text().splitlines()[1].split(",")[1] == "'=1.jpg"
