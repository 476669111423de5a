"""What a run folder gets around the training itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from utkage.core.toml_file import parse_toml
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.run_folder import (
    CURVES_NAME,
    SAMPLE_NAME,
    new_run_folder,
    recorded,
)

ROW = {"epoch": 1, "train_loss": 3.0, "val_mae": 5.0}


def batch() -> tuple[Tensor, Tensor, Tensor]:
    return torch.zeros(4, 3, 16, 16), torch.arange(4), torch.zeros(4, dtype=torch.int64)


def test_a_stopped_run_has_its_curves(tmp_path: Path) -> None:
    def stopped() -> None:
        with recorded(tmp_path / "run", Recipe(), {"started": "now"}, batch) as on_epoch:
            on_epoch([ROW])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"config.toml", SAMPLE_NAME, CURVES_NAME}
    config = parse_toml((tmp_path / "run" / "config.toml").read_text())
    assert config["provenance"] == {"started": "now"}


def test_without_an_epoch_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with recorded(tmp_path, Recipe(), {}, batch):
        pass
    assert not (tmp_path / CURVES_NAME).exists()


def test_a_run_that_goes_on_keeps_its_config(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-00000003.pt").write_bytes(b"some")
    (tmp_path / "config.toml").write_text("first")
    with recorded(tmp_path, Recipe(training=TrainConfig(epochs=2)), {}, batch) as on_epoch:
        on_epoch([ROW, {**ROW, "epoch": 2}])
    assert (tmp_path / "config.toml").read_text() == "first"
    assert not (tmp_path / SAMPLE_NAME).exists()
    assert (tmp_path / CURVES_NAME).exists()


def test_new_folders_are_new(tmp_path: Path) -> None:
    first = new_run_folder(tmp_path)
    first.mkdir()
    second = new_run_folder(tmp_path)
    assert second != first
    assert not second.exists()
