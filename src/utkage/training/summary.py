"""The metrics of every epoch as JSON lines, as CSV and as TensorBoard event files."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from utkage.core.errors import UsageError
from utkage.core.files import write_text

METRICS_NAME = "metrics.jsonl"
SUMMARY_NAME = "summary.csv"
EVENTS_FOLDER = "tensorboard"


class Selection(NamedTuple):
    """A number that can choose the best epoch: its name in messages, and its value in a row."""

    label: str
    error: Callable[[Mapping[str, Any]], float]


def _source_maes(row: Mapping[str, Any]) -> list[float]:
    # Rows of a set with one source have no metrics by source.
    return [source["mae"] for source in row.get("val_sources", {}).values()] or [row["val_mae"]]


# By ``select_by``.
SELECTIONS: Mapping[str, Selection] = {
    "mae": Selection("MAE", lambda row: float(row["val_mae"])),
    "macro_mae": Selection("macro MAE", lambda row: statistics.fmean(_source_maes(row))),
    "worst_mae": Selection("worst MAE", lambda row: float(max(_source_maes(row)))),
}

# Called after every epoch with the rows of all epochs so far.
OnEpoch = Callable[[Sequence[dict[str, Any]]], None]


def ignore_epoch(rows: Sequence[dict[str, Any]]) -> None:
    """Do nothing after an epoch."""


def read_epochs(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run folder's ``metrics.jsonl``, oldest first."""
    lines = (folder / METRICS_NAME).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write_epochs(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of all epochs so far to both files, each atomically."""
    write_text(folder / METRICS_NAME, "".join(json.dumps(row) + "\n" for row in rows))
    flat = [dict(flattened(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    write_text(folder / SUMMARY_NAME, text.getvalue())


def validation_errors(rows: Sequence[Mapping[str, Any]], select_by: str = "mae") -> list[float]:
    """The error of each epoch that chooses the best one and drives plateaus, years."""
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
