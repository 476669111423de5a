"""What a run folder gets around the training itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from utkage.core.errors import UsageError
from utkage.core.outputs import require_inputs_stay
from utkage.core.toml_file import parse_toml
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.run_folder import (
    CURVES_NAME,
    RUN_FILES,
    SAMPLE_NAME,
    check_run_folder,
    new_run_folder,
    recorded,
    reserved_run_folder,
    written_files,
)
from utkage.training.summary import write_epochs

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


def test_a_run_that_was_killed_before_its_curves_gets_them_when_it_is_run_again(
    tmp_path: Path,
) -> None:
    rows = [ROW, {**ROW, "epoch": 2, "val_mae": 4.0}]
    with recorded(tmp_path / "whole", Recipe(), {}, batch) as on_epoch:
        on_epoch(rows)
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "checkpoint-00000006.pt").write_bytes(b"some")
    write_epochs(killed, [{**ROW, "epoch": 0}, *rows])
    # What was drawn when the run was stopped in its second epoch.
    (killed / CURVES_NAME).write_bytes(b"of one epoch")
    with recorded(killed, Recipe(), {}, batch):
        pass
    assert (killed / CURVES_NAME).read_bytes() == (tmp_path / "whole" / CURVES_NAME).read_bytes()
    (killed / "metrics.jsonl").write_text("damaged")
    with recorded(killed, Recipe(), {}, batch):
        pass


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


FOREIGN = "somebody else's\n"
PROVENANCE = {"started": "now", "init_hash": "1234", "data": {"split_hash": "abcd"}}


@pytest.mark.parametrize("name", RUN_FILES)
def test_files_of_others_are_not_replaced(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FOREIGN)
    with pytest.raises(UsageError, match=rf"{name}: .*no checkpoint to resume; name another `run`"):
        recorded(tmp_path, Recipe(), {}, batch).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert path.read_text() == FOREIGN


def test_a_training_that_was_killed_early_starts_again(tmp_path: Path) -> None:
    with recorded(tmp_path, Recipe(), PROVENANCE, batch):
        pass
    before = (tmp_path / "config.toml").read_text()
    (tmp_path / "best.safetensors").write_bytes(b"of the first epoch")
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    later = {**PROVENANCE, "started": "later"}
    check_run_folder(tmp_path, Recipe(training=TrainConfig(keep_checkpoints=3)), later)
    with recorded(tmp_path, Recipe(), later, batch):
        pass
    assert (tmp_path / "config.toml").read_text() == before
    for recipe, provenance in (
        (Recipe(training=TrainConfig(seed=1)), PROVENANCE),
        (Recipe(), {**PROVENANCE, "init_hash": "5678"}),
        (Recipe(), {**PROVENANCE, "data": {"split_hash": "efgh"}}),
    ):
        with pytest.raises(UsageError, match=r"config\.toml: is not from this training"):
            check_run_folder(tmp_path, recipe, provenance)


def test_results_of_several_epochs_stay(tmp_path: Path) -> None:
    with recorded(tmp_path, Recipe(), PROVENANCE, batch):
        pass
    (tmp_path / "metrics.jsonl").write_text("{}\n{}\n")
    with pytest.raises(UsageError, match="the metrics of several epochs"):
        check_run_folder(tmp_path, Recipe(), PROVENANCE)


@pytest.mark.parametrize("name", ["best.safetensors", "checkpoint-00000003.pt"])
def test_inputs_in_the_run_folder_stay(tmp_path: Path, name: str) -> None:
    path, link = tmp_path / "run" / name, tmp_path / "link"
    path.parent.mkdir()
    path.write_text(FOREIGN)
    link.symlink_to(path)
    for given in (path, link, tmp_path / "run" / ".." / "run" / name):
        with pytest.raises(UsageError, match=r"`init` .*copy it elsewhere"):
            _require_stays(tmp_path / "run", given)
    _require_stays(tmp_path / "other", path)
    _require_stays(tmp_path / "run", tmp_path / "run" / "start.safetensors")


def _require_stays(folder: Path, init: Path) -> None:
    written = written_files(folder)
    require_inputs_stay(written, [("init", init)], problem="would be replaced", field="run")


def test_reserved_folders(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with reserved_run_folder(runs) as first, reserved_run_folder(runs) as second:
        assert first != second
        (second / "config.toml").touch()
    assert list(runs.iterdir()) == [second], "empty folders are removed"
