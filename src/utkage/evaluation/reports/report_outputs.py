"""The files that an evaluation may write: their names, and which of them may be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from utkage.core.files import require_folder
from utkage.core.outputs import contains, require_output
from utkage.core.partials import remove_dead_partials
from utkage.core.single_writer import holding_folder
from utkage.reporting.figure_files import FORMATS, is_saved_figure

CHARTS = "pictures"
"""Folder of the charts of a report, inside that of the evaluation."""
PREDICTION_COLUMNS = (
    *("source", "file", "true_age", "true_gender", "true_race"),
    *("predicted_age", "age_low", "age_high", "true_range", "predicted_range", "p_female"),
    *("threshold", "p_at_least"),
)
# First line of the predictions of the former version.
_FORMER_HEADER = (
    "source,file,age,gender,race,predicted_age,age_low,age_high,range,predicted_range,p_female"
)
CHART_NAMES = (
    *("age_density", "error_by_age", "cumulative_score", "reliability", "gender_matrix", "groups"),
    *("confusion_matrix", "risk_coverage", "threshold", "challenge", "stress"),
    "stress_groups",
)
METRICS, PREDICTIONS = "metrics.json", "predictions.csv"
PAGE, MODEL_CARD, PARQUET = "report.html", "model_card.md", "predictions.parquet"
MATRIX, FACES = "confusion_matrix", "faces"


@contextmanager
def holding_report(
    out: Path, inputs: Iterable[Path], *, plot_cm: bool, report: bool, overwrite: bool
) -> Iterator[None]:
    """Hold the folder of an evaluation while the body runs, if its files may be replaced.

    Args:
        out: The folder.
        inputs: Files and folders that are read.
        plot_cm: Whether the confusion matrix of the age ranges is drawn.
        report: Whether a report is written.
        overwrite: Whether files that are not of an earlier evaluation may be replaced.

    Raises:
        UsageError: names the file that would be lost; or another process is writing there.
    """
    inputs = list(inputs)
    check = partial(
        check_report_folder, out, inputs, plot_cm=plot_cm, report=report, overwrite=overwrite
    )
    check()
    names = {path.name for path in report_files(out, plot_cm=True, report=True)}
    with holding_folder(out, names.__contains__):
        remove_dead_partials(out / CHARTS, names.__contains__)
        # Whoever held the folder before may have written something.
        check()
        yield


def check_report_folder(
    out: Path,
    inputs: Iterable[Path],
    *,
    plot_cm: bool = False,
    report: bool = False,
    overwrite: bool = False,
) -> None:
    """Refuse a folder whose files would be replaced although they are not of an evaluation.

    Arguments and errors as for ``holding_report``.
    """
    inputs = list(inputs)
    require_folder(out, "out")
    if report:
        require_folder(out / CHARTS, "out")
    for path, is_ours in report_files(out, plot_cm=plot_cm, report=report).items():
        require_output(path, "out", inputs=inputs, is_ours=is_ours, overwrite=overwrite)


def report_files(out: Path, *, plot_cm: bool, report: bool) -> dict[Path, Callable[[Path], bool]]:
    """The files that an evaluation may write, and how to recognise those of an earlier one."""
    files: dict[Path, Callable[[Path], bool]] = {
        out / METRICS: partial(contains, text='"range_confusion"'),
        out / PREDICTIONS: _holds_predictions,
    }
    if plot_cm or report:
        files[out / f"{MATRIX}.png"] = is_saved_figure
    if report:
        files |= {
            out / PAGE: partial(contains, text="95 % bootstrap intervals; duplicates of a picture"),
            out / MODEL_CARD: partial(contains, text="In brackets: 95 % bootstrap intervals."),
            out / PARQUET: partial(contains, text="predicted_range"),
        }
        figures = [out / FACES, *(out / CHARTS / name for name in CHART_NAMES)]
        charts = (path.with_name(f"{path.name}.{form}") for path in figures for form in FORMATS)
        files |= dict.fromkeys(charts, is_saved_figure)
    return files


def _holds_predictions(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(1000).rstrip(b"\n")
    return first in (",".join(PREDICTION_COLUMNS).encode(), _FORMER_HEADER.encode())
