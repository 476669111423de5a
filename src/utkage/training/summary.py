"""The metrics of every epoch as JSON lines, as CSV and as TensorBoard event files."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utkage.core.errors import UsageError
from utkage.core.files import write_text
from utkage.core.json_text import json_text, parse_json

METRICS_NAME = "metrics.jsonl"
SUMMARY_NAME = "summary.csv"
EVENTS_FOLDER = "tensorboard"


class Selection(NamedTuple):
    """A number that can choose the best epoch: its name in messages, and its value in a row."""

    label: str
    error: Callable[[Mapping[str, Any]], float]


# Metrics that can be the error, and their texts. The first that the labels allow is used: ages in
# whole years, then ages that are ranges, then genders alone.
ERRORS = {
    "mae": "MAE {:.2f} years",
    "label_range_distance": "distance to the labelled range {:.2f} years",
    "gender_accuracy": "gender error {:.4f}",
}


def validation_error(metrics: Mapping[str, Any], prefix: str = "val_") -> tuple[str, float] | None:
    """Name and value of the error of some faces; None if there is none, or if it is not finite.

    ``prefix`` is that of the metrics' names: ``val_`` in rows, none in their tables by source.
    """
    for name in ERRORS:
        value: Any = metrics.get(f"{prefix}{name}")
        if value is None:
            continue
        if type(value) in (int, float) and math.isfinite(value):
            return name, 1 - value if name == "gender_accuracy" else float(value)
        return None
    return None


def error_text(row: Mapping[str, Any]) -> str:
    """The error of a row as a text, such as "MAE 4.30 years"."""
    found = validation_error(row)
    return "no error" if found is None else ERRORS[found[0]].format(found[1])


def _error(row: Mapping[str, Any]) -> float:
    found = validation_error(row)
    return math.inf if found is None else found[1]


def _source_errors(row: Mapping[str, Any]) -> list[float]:
    # Rows of a set with one source have no metrics by source.
    found = [validation_error(source, "") for source in row.get("val_sources", {}).values()]
    # Errors of sources with different labels have different units.
    if not found or None in found or len({name for name, _ in filter(None, found)}) > 1:
        return [_error(row)]
    return [value for _, value in filter(None, found)]


# By ``select_by``.
SELECTIONS: Mapping[str, Selection] = {
    "mae": Selection("MAE", _error),
    "macro_mae": Selection("macro MAE", lambda row: statistics.fmean(_source_errors(row))),
    "worst_mae": Selection("worst MAE", lambda row: max(_source_errors(row))),
}

# Called after every epoch with the rows of all epochs so far.
OnEpoch = Callable[[Sequence[dict[str, Any]]], None]


def ignore_epoch(rows: Sequence[dict[str, Any]]) -> None:
    """Do nothing after an epoch."""


def read_epochs(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run folder's ``metrics.jsonl``, oldest first, without that of epoch 0."""
    lines = (folder / METRICS_NAME).read_text(encoding="utf-8").splitlines()
    rows = (parse_json(line, keep_non_finite=True) for line in lines)
    return [row for row in rows if row["epoch"] > 0]


def read_initial_row(folder: Path) -> dict[str, Any] | None:
    """The row of epoch 0, the validation before training; None without one."""
    try:
        first = (folder / METRICS_NAME).read_text(encoding="utf-8").partition("\n")[0]
        row = parse_json(first, keep_non_finite=True)
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and row.get("epoch") == 0 else None


def write_epochs(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of all epochs so far to both files, each atomically."""
    write_text(
        folder / METRICS_NAME, "".join(json_text(row, ensure_ascii=True) + "\n" for row in rows)
    )
    flat = [dict(flattened(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    write_text(folder / SUMMARY_NAME, text.getvalue())


def validation_errors(rows: Sequence[Mapping[str, Any]], select_by: str = "mae") -> list[float]:
    """The error of each epoch that chooses the best one and drives plateaus.

    It is in years, unless there are no ages at all: then it is the gender error.
    """
    return [SELECTIONS[select_by].error(row) for row in rows]


def best_epoch(rows: Sequence[Mapping[str, Any]], select_by: str = "mae") -> Mapping[str, Any]:
    """The row of the best epoch, the first if several are equal; of at least one row."""
    errors = validation_errors(rows, select_by)
    return rows[errors.index(min(errors))]


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside nested tables, by dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@contextlib.contextmanager
def event_files(folder: Path) -> Iterator[OnEpoch]:
    """Write the metrics of each epoch as TensorBoard scalars, with the epoch as their step.

    The folder is made after the first epoch. A resumed run writes another file beside the first,
    and TensorBoard joins them.

    Yields:
        A function to call after every epoch.

    Raises:
        UsageError: the package tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "`tensorboard`: the package tensorboard is not installed; "
            "pip install 'utkage[tensorboard]', or turn this setting off"
        ) from error
    writers: list[SummaryWriter] = []

    def on_epoch(rows: Sequence[dict[str, Any]]) -> None:
        if not writers:
            writers.append(SummaryWriter(str(folder)))
        row = rows[-1]
        for name, value in flattened(row):
            if name != "epoch" and isinstance(value, (int, float)):
                writers[0].add_scalar(name.replace(".", "/"), value, row["epoch"])
        writers[0].flush()

    try:
        yield on_epoch
    finally:
        for writer in writers:
            writer.close()
