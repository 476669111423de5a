"""The metrics of every epoch in ``metrics.jsonl`` and ``summary.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

from utkage.training.summary import flattened, ignore_epoch, read_epochs, write_epochs

ROWS = [
    {"epoch": 1, "loss": None, "rates": {"gender": 0.1}},
    {"epoch": 2, "loss": 0.5, "rates": {"gender": 0.2, "age": 3}, "by": {"a": {"mae": 4.0}}},
]


def test_summary_is_one_flat_line_an_epoch(tmp_path: Path) -> None:
    write_epochs(tmp_path, ROWS)
    assert read_epochs(tmp_path) == ROWS
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "rates.gender", "rates.age", "by.a.mae"]
    assert rows[0] == {
        "epoch": "1",
        "loss": "",
        "rates.gender": "0.1",
        "rates.age": "",
        "by.a.mae": "",
    }
    assert rows[1]["by.a.mae"] == "4.0"


def test_flat_names() -> None:
    assert dict(flattened({"a": {"b": {"c": 1}}, "d": []}, "x.")) == {"x.a.b.c": 1, "x.d": []}


def test_nothing_happens_after_an_epoch_by_default() -> None:
    ignore_epoch(ROWS)
