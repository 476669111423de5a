"""What is told after every epoch: the table ``summary.csv``, and whoever listens.

``metrics.jsonl`` holds the same rows, one JSON object a line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from utkage.core.files import write_text

METRICS_NAME = "metrics.jsonl"
SUMMARY_NAME = "summary.csv"

# Takes the rows of all epochs so far, as in metrics.jsonl.
OnEpoch = Callable[[Sequence[dict[str, Any]]], None]


def ignore_epoch(rows: Sequence[dict[str, Any]]) -> None:
    """Listen to nothing."""


def read_epochs(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run folder's ``metrics.jsonl``, oldest first."""
    lines = (folder / METRICS_NAME).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write_summary(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write one line an epoch, atomically: the rows of ``metrics.jsonl`` with flat columns."""
    flat = [dict(flattened(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    write_text(path, text.getvalue())


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside nested tables, by dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
