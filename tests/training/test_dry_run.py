from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_sets import change_store_file, write_set

from utkage.training.config import TrainConfig
from utkage.training.dry_run import dry_run
from utkage.training.train import TrainRequest


def test_costs_add_up_and_nothing_is_written(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 24)
    change_store_file(tmp_path / "set", split={"seed": 0, "val": 0.3, "test": 0.3})
    before = sorted(tmp_path.rglob("*"))
    config = TrainConfig(
        epochs=3, batch_size=4, sizes=(32,), backbone="mobilenet_v3_small", init="scratch"
    )
    found = dry_run(TrainRequest(tmp_path / "set", tmp_path / "run", "cpu", config))
    assert sorted(tmp_path.rglob("*")) == before
    assert (found.system, found.device, found.run) == ("multitask", "cpu", tmp_path / "run")
    assert found.chips == {"train": 8, "val": 8, "test": 8}
    assert (found.steps_per_epoch, found.epochs, found.epochs_done) == (2, 3, 0)
    (cost,) = found.sizes
    assert (cost.size, cost.epochs) == (32, 3)
    assert cost.epoch_seconds == pytest.approx(2 * cost.step_seconds + found.validation_seconds)
    assert found.total_seconds == found.remaining_seconds == pytest.approx(3 * cost.epoch_seconds)
    assert found.disk_bytes > 2 * found.checkpoint_bytes > 6 * found.parameters
    stored = json.loads(json.dumps(replace(found, peak_memory_bytes=None).to_dict()))
    assert (stored["schema"], stored["peak_memory_bytes"]) == (1, None)
    assert stored["run"] == str(tmp_path / "run")
