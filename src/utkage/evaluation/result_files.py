"""What an evaluation leaves behind: figures, answers, pictures and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.files import replacing, write_json, write_text
from utkage.data.labels import GENDERS, RACES, RANGE_NAMES
from utkage.data.manifest import csv_text

if TYPE_CHECKING:
    from utkage.evaluation.evaluate import EvaluateResult
    from utkage.evaluation.labelled_faces import LabelledFaces
    from utkage.evaluation.labelled_predictions import LabelledPredictions

PREDICTION_COLUMNS = (
    "source",
    "file",
    "age",
    "gender",
    "race",
    "predicted_age",
    "age_low",
    "age_high",
    "range",
    "predicted_range",
    "p_female",
)


def write_files(
    result: EvaluateResult,
    faces: LabelledPredictions,
    labelled: LabelledFaces,
    out: Path,
    *,
    plot_cm: bool,
    report: bool,
) -> EvaluateResult:
    """Write ``metrics.json`` and ``predictions.csv``, and what else was asked for.

    Args:
        result: What was found.
        faces: Labels and answers.
        labelled: The faces themselves, for the contact sheet.
        out: The folder.
        plot_cm: Draw the confusion matrix of the age ranges.
        report: Draw every picture and write the page and the model card.

    Returns:
        ``result`` with the files that were written.
    """
    files = {"metrics": out / "metrics.json", "predictions": out / "predictions.csv"}
    rows = prediction_rows(faces)
    write_text(files["predictions"], csv_text(PREDICTION_COLUMNS, rows))
    if plot_cm or report:
        from utkage.evaluation.reports.confusion import plot_confusion

        files["confusion_matrix"] = out / "confusion_matrix.png"
        plot_confusion(faces.ranges, faces.range_index, files["confusion_matrix"])
    if report:
        from utkage.evaluation.reports.report import write_report

        files.update(write_report(result, faces, labelled, out))
        if (parquet := _write_parquet(rows, out / "predictions.parquet")) is not None:
            files["predictions_parquet"] = parquet
    result = replace(result, files=files)
    write_json(files["metrics"], result.to_dict())
    return result


def prediction_rows(faces: LabelledPredictions) -> list[tuple[Any, ...]]:
    """One row a face, in the order of ``PREDICTION_COLUMNS``; what is not known is empty."""
    from utkage.evaluation.metrics import INTERVAL_LEVEL

    ends: list[tuple[str, str]] = [("", "")] * len(faces)
    if faces.predictions is not None:
        low, high = faces.predictions.age_interval(INTERVAL_LEVEL)
        ends = [(f"{a:.2f}", f"{b:.2f}") for a, b in zip(low, high, strict=True)]
    ranges = faces.ranges
    return [
        (
            faces.sources[index],
            name,
            int(faces.ages[index]),
            GENDERS[faces.genders[index]],
            int(faces.races[index]) if faces.races[index] >= 0 else "",
            f"{faces.age[index]:.2f}",
            *ends[index],
            RANGE_NAMES[ranges[index]],
            RANGE_NAMES[faces.range_index[index]],
            f"{faces.p_female[index]:.4f}",
        )
        for index, name in enumerate(faces.names)
    ]


def _write_parquet(rows: list[tuple[Any, ...]], path: Path) -> Path | None:
    """The same table typed, where pyarrow is installed (the extra ``parquet``)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    numbers = {"predicted_age", "age_low", "age_high", "p_female"}
    columns: dict[str, list[Any]] = {}
    for index, name in enumerate(PREDICTION_COLUMNS):
        values = [row[index] for row in rows]
        if name in numbers:
            columns[name] = [None if value == "" else float(value) for value in values]
        elif name == "race":
            columns[name] = [None if value == "" else RACES[value] for value in values]
        else:
            columns[name] = values
    with replacing(path) as partial:
        pyarrow.parquet.write_table(pyarrow.table(columns), partial)
    return path
