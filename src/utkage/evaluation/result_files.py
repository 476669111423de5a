"""The files of an evaluation: metrics, predictions, charts and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from utkage.core.files import replacing, write_json, write_text
from utkage.core.text import spreadsheet_safe
from utkage.data.labels import RACES, RANGE_NAMES
from utkage.data.manifest import csv_text
from utkage.evaluation.labelled_faces import LabelledFaces
from utkage.evaluation.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.metrics import INTERVAL_LEVEL
from utkage.evaluation.report_outputs import (
    MATRIX,
    METRICS,
    PARQUET,
    PREDICTION_COLUMNS,
    PREDICTIONS,
)
from utkage.evaluation.result import EvaluateResult


def write_files(
    result: EvaluateResult,
    faces: LabelledPredictions,
    labelled: LabelledFaces,
    out: Path,
    *,
    plot_cm: bool,
    report: bool,
    csv_safe: bool = False,
) -> EvaluateResult:
    """Write the metrics and predictions to ``out`` and, if requested, charts and the report.

    The numbers come first, so that they are there even if a chart cannot be drawn. With
    ``csv_safe``, texts in ``predictions.csv`` are ``core.text.spreadsheet_safe``.

    Returns:
        ``result`` with the files written.
    """
    files = {"metrics": out / METRICS, "predictions": out / PREDICTIONS}
    rows = prediction_rows(faces, None if result.threshold is None else result.threshold.age)
    safe = [tuple(map(spreadsheet_safe, row)) for row in rows] if csv_safe else rows
    write_text(files["predictions"], csv_text(PREDICTION_COLUMNS, safe))
    write_json(files["metrics"], replace(result, files=files).to_dict())
    has_ages = len(faces.with_label(AGE)) > 0
    if (plot_cm or report) and has_ages:
        from utkage.evaluation.reports.charts import range_confusion
        from utkage.reporting.figure_files import save_figure

        written = save_figure(range_confusion(faces), out, MATRIX, ("png",))
        files["confusion_matrix"] = written["png"]
    if report:
        from utkage.evaluation.reports.report import write_report

        files.update(write_report(result, faces, labelled, out))
        if (parquet := _write_parquet(rows, out / PARQUET)) is not None:
            files["predictions_parquet"] = parquet
    result = replace(result, files=files)
    write_json(files["metrics"], result.to_dict())
    return result


def prediction_rows(
    faces: LabelledPredictions, threshold: int | None = None
) -> list[tuple[Any, ...]]:
    """One row per face, in the order of ``PREDICTION_COLUMNS``; unknown values are empty.

    ``threshold`` is the age T, years, of the column P(age >= T).
    """
    ends: list[tuple[str, str]] = [("", "")] * len(faces)
    at_least: list[tuple[int | str, str]] = [("", "")] * len(faces)
    if faces.predictions is not None:
        low, high = faces.intervals[INTERVAL_LEVEL]
        ends = [(f"{a:.2f}", f"{b:.2f}") for a, b in zip(low, high, strict=True)]
        if threshold is not None:
            likely = faces.predictions.probability_at_least(threshold)
            at_least = [(threshold, f"{value:.4f}") for value in likely]
    ranges = faces.ranges
    return [
        (
            faces.sources[index],
            name,
            int(faces.ages[index]) if faces.ages[index] >= 0 else faces.age_text(index),
            faces.gender_text(index),
            int(faces.races[index]) if faces.races[index] >= 0 else "",
            _number_text(faces.age[index], 2),
            *ends[index],
            RANGE_NAMES[ranges[index]] if ranges[index] >= 0 else "",
            RANGE_NAMES[predicted] if (predicted := faces.range_index[index]) >= 0 else "",
            _number_text(faces.p_female[index], 4),
            *at_least[index],
        )
        for index, name in enumerate(faces.names)
    ]


def _number_text(value: float, decimals: int) -> str:
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _write_parquet(rows: list[tuple[Any, ...]], path: Path) -> Path | None:
    """Write the rows with column types if pyarrow is installed (the extra ``parquet``)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    numbers = {"predicted_age", "age_low", "age_high", "p_female", "p_at_least"}
    columns: dict[str, list[Any]] = {}
    for index, name in enumerate(PREDICTION_COLUMNS):
        values = [row[index] for row in rows]
        if name in numbers:
            values = [None if value == "" else float(value) for value in values]
        elif name == "threshold":
            values = [None if value == "" else value for value in values]
        elif name == "true_age" and not all(isinstance(value, int) for value in values):
            values = [None if value == "" else str(value) for value in values]
        elif name == "true_race":
            values = [None if value == "" else RACES[value] for value in values]
        columns[name] = values
    with replacing(path) as partial:
        pyarrow.parquet.write_table(pyarrow.table(columns), partial)
    return path
