"""The files of an evaluation: metrics, predictions, charts and the page."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from utkage.core.files import replacing, write_json
from utkage.core.text import spreadsheet_safe
from utkage.data.labels import RACES, RANGE_NAMES
from utkage.evaluation.inputs.labelled_faces import LabelledFaces
from utkage.evaluation.inputs.labelled_predictions import AGE, LabelledPredictions
from utkage.evaluation.metrics.registry import INTERVAL_LEVEL
from utkage.evaluation.reports.report_outputs import (
    MATRIX,
    METRICS,
    PARQUET,
    PREDICTION_COLUMNS,
    PREDICTIONS,
)
from utkage.evaluation.result import EvaluateResult

# Rows of Parquet that are written at once.
_PARQUET_ROWS = 50_000
# Columns whose unknown values are null in Parquet; the others are texts, which are empty.
_EMPTY_IS_NULL = (
    *("predicted_age", "age_low", "age_high", "p_female", "p_at_least"),
    *("threshold", "true_age", "true_race"),
)


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
    threshold = None if result.threshold is None else result.threshold.age
    _write_csv(prediction_rows(faces, threshold), files["predictions"], safe=csv_safe)
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
        if (parquet := _write_parquet(faces, threshold, out / PARQUET)) is not None:
            files["predictions_parquet"] = parquet
    result = replace(result, files=files)
    write_json(files["metrics"], result.to_dict())
    return result


def prediction_rows(
    faces: LabelledPredictions, threshold: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield one row per face, in the order of ``PREDICTION_COLUMNS``; unknown values are empty.

    ``threshold`` is the age T, years, of the column P(age >= T).
    """
    ends = None
    at_least = None if threshold is None else faces.probability_at_least(threshold)
    if faces.predictions is not None:
        ends = faces.intervals[INTERVAL_LEVEL]
    ranges = faces.ranges
    for index, name in enumerate(faces.names):
        predicted = faces.range_index[index]
        yield (
            faces.sources[index],
            name,
            int(faces.ages[index]) if faces.ages[index] >= 0 else faces.age_text(index),
            faces.gender_text(index),
            int(faces.races[index]) if faces.races[index] >= 0 else "",
            _number_text(faces.age[index], 2),
            *(("", "") if ends is None else (f"{end[index]:.2f}" for end in ends)),
            RANGE_NAMES[ranges[index]] if ranges[index] >= 0 else "",
            RANGE_NAMES[predicted] if predicted >= 0 else "",
            _number_text(faces.p_female[index], 4),
            *(("", "") if at_least is None else (threshold, _number_text(at_least[index], 4))),
        )


def _number_text(value: float, decimals: int) -> str:
    return "" if np.isnan(value) else f"{value:.{decimals}f}"


def _write_csv(rows: Iterable[tuple[Any, ...]], path: Path, *, safe: bool) -> None:
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PREDICTION_COLUMNS)
        writer.writerows(tuple(map(spreadsheet_safe, row)) if safe else row for row in rows)


def _write_parquet(faces: LabelledPredictions, threshold: int | None, path: Path) -> Path | None:
    """Write the rows with column types if pyarrow is installed (the extra ``parquet``)."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return None
    numbers = ("predicted_age", "age_low", "age_high", "p_female", "p_at_least")
    kinds = dict.fromkeys(PREDICTION_COLUMNS, pyarrow.string())
    kinds.update(dict.fromkeys(numbers, pyarrow.float64()), threshold=pyarrow.int64())
    in_years = bool((faces.ages >= 0).all())
    if in_years:
        kinds["true_age"] = pyarrow.int64()

    def typed(name: str, value: Any) -> Any:
        if value == "":
            return None if name in _EMPTY_IS_NULL else ""
        if name in numbers:
            return float(value)
        if name == "true_race":
            return RACES[value]
        return str(value) if name == "true_age" and not in_years else value

    schema = pyarrow.schema(list(kinds.items()))
    rows = prediction_rows(faces, threshold)
    with replacing(path) as partial, parquet.ParquetWriter(partial, schema) as writer:
        while block := list(islice(rows, _PARQUET_ROWS)):
            columns = zip(PREDICTION_COLUMNS, zip(*block, strict=True), strict=True)
            cells = {name: [typed(name, value) for value in own] for name, own in columns}
            writer.write_table(pyarrow.table(cells, schema=schema))
    return path
