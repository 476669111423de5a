"""The metrics of every epoch in ``metrics.jsonl``, ``summary.csv`` and TensorBoard event files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from utkage.core.errors import UsageError
from utkage.training.summary import (
    best_epoch,
    event_files,
    flattened,
    ignore_epoch,
    read_epochs,
    validation_errors,
    write_epochs,
)

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


def row_of(epoch: int, overall: float, **maes: float) -> dict[str, object]:
    sources = {name: {"n": 9, "mae": mae} for name, mae in maes.items()}
    return {"epoch": epoch, "val_mae": overall, **({"val_sources": sources} if maes else {})}


@pytest.mark.parametrize(
    ("select_by", "errors", "best"),
    [("mae", [4.0, 5.0, 5.0], 1), ("macro_mae", [6.0, 5.5, 6.0], 2), ("worst_mae", [9, 8, 7], 3)],
)
def test_the_best_epoch_by_each_selection(select_by: str, errors: list[float], best: int) -> None:
    rows = [row_of(1, 4.0, a=3, b=9), row_of(2, 5.0, a=3, b=8), row_of(3, 5.0, a=5, b=7)]
    assert validation_errors(rows, select_by) == errors
    assert best_epoch(rows, select_by)["epoch"] == best


@pytest.mark.parametrize("select_by", ["mae", "macro_mae", "worst_mae"])
def test_one_source_has_one_error(select_by: str) -> None:
    rows = [row_of(1, 6.0), row_of(2, 5.0), row_of(3, 5.0)]
    assert validation_errors(rows, select_by) == [6.0, 5.0, 5.0]
    assert best_epoch(rows, select_by)["epoch"] == 2


def test_event_files_hold_the_figures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "events"
    with event_files(folder) as on_epoch:
        assert not folder.exists()
        on_epoch(ROWS[:1])
    with event_files(folder) as on_epoch:
        on_epoch(ROWS)
    assert len(list(folder.iterdir())) == 2
    events = EventAccumulator(str(folder)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "rates/gender", "rates/age", "by/a/mae"}
    assert [(e.step, round(e.value, 6)) for e in events.Scalars("rates/gender")] == [
        (1, 0.1),
        (2, 0.2),
    ]


def test_without_the_package_the_way_to_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"pip install 'utkage\[tensorboard\]'"):
        event_files(tmp_path).__enter__()
