"""Trainings with several seeds, and how much they differ."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from small_sets import change_store_file, write_set

from utkage.cli.seeds_table import seeds_table
from utkage.core.errors import ConfigError
from utkage.training.config import TrainConfig
from utkage.training.repeat import train_seeds
from utkage.training.train import TrainRequest


def test_seeds_have_runs_of_their_own_and_one_table(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 24)
    change_store_file(tmp_path / "set", split={"seed": 0, "val": 0.3, "test": 0.3})
    config = TrainConfig(
        epochs=1,
        batch_size=4,
        sizes=(32,),
        backbone="mobilenet_v3_small",
        init="scratch",
        seed=5,
    )
    request = TrainRequest(tmp_path / "set", tmp_path / "run", "cpu", config)
    found = train_seeds(request, 2)
    assert found.seeds == (5, 6)
    assert [result.folder.name for result in found.results] == ["run-seed5", "run-seed6"]
    errors = [row["val_mae"] for row in found.best_epochs]
    losses = [row["train_loss"] for row in found.best_epochs]
    assert losses[0] != losses[1]
    assert found.spreads["val_mae"].mean == pytest.approx(statistics.mean(errors))
    assert found.spreads["val_mae"].deviation == pytest.approx(statistics.stdev(errors))
    table = seeds_table(found)
    assert [row[0].text for row in table.rows] == ["5", "6", "mean", "standard deviation"]
    assert table.rows[2][3].text == f"{statistics.mean(errors):.2f}"
    # Finished runs are not repeated.
    before = [result.best.stat().st_mtime_ns for result in found.results]
    again = train_seeds(request, 2)
    assert [result.best.stat().st_mtime_ns for result in again.results] == before
    with pytest.raises(ConfigError, match="`seeds` 1: use 2 or more"):
        train_seeds(request, 1)
