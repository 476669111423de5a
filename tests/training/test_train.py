"""What ``train`` does before its first step, on a small prepared set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sets import CONTRACT, change_store_file, manifest_rows, random_chips, write_set

from utkage.core.errors import DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import FaceLabel
from utkage.data.store import ChipStore
from utkage.models.card import Card
from utkage.preparation.store_writer import StoreWriter
from utkage.training import train as training
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.systems.base import Start
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.train import TrainRequest, TrainResult, provenance, request_of, set_up

CONFIG = TrainConfig(
    epochs=2, batch_size=4, sizes=(32,), backbone="mobilenet_v3_small", init="scratch"
)
SPLIT = {"seed": 0, "val": 0.3, "test": 0.3}


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def request_on(tmp_path: Path) -> Callable[..., TrainRequest]:
    """Write a prepared set whose faces have these labels, and make a request to train on it."""

    def make(label: Callable[[int], FaceLabel], count: int = 15, **options: object) -> TrainRequest:
        chips = random_chips(count)
        rows = [
            replace(row, record=replace(row.record, label=label(row.row)))
            for row in manifest_rows(chips)
        ]
        with StoreWriter(tmp_path / "set", CONTRACT) as writer:
            for chip in chips:
                writer.append(chip)
            writer.commit(rows, [], {"source": {"name": "drawn"}, "split": SPLIT})
        whole = {"config": CONFIG, "command": "utkage train", **options}
        return TrainRequest(tmp_path / "set", tmp_path / "run", "cpu", **whole)  # type: ignore[arg-type]

    return make


def test_training_images_in_any_split_are_announced_before_training(
    request_on: Callable[..., TrainRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_on(full)
    store = ChipStore.open(request.data)
    original = training._start

    def start(*arguments: Any) -> Start:
        found = original(*arguments)
        return replace(found, fingerprints={"initial weights": store.split("test").fingerprints()})

    monkeypatch.setattr(training, "_start", start)
    listener = Listener()
    set_up(request, listener)
    (warning,) = listener.warnings
    assert warning.startswith("5 of the 5 test images are training images of the initial weights")
    assert "with --skip-seen it scores the others" in warning
    assert "`skip_seen" not in warning


@pytest.mark.parametrize("name", ["shipped", "latest", "auto"])
def test_a_run_is_not_called_like_a_choice_of_weights(
    request_on: Callable[..., TrainRequest], name: str
) -> None:
    request = replace(request_on(full), run=Path(name))
    with pytest.raises(UsageError, match=f"`run` {name}: is a word of `weights`"):
        set_up(request, SilentReporter())


def test_a_name_is_that_of_a_run_below_runs(
    request_on: Callable[..., TrainRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = replace(request_on(full), run=Path("second"))
    assert set_up(request, SilentReporter()).setup.folder == Path("runs/second")


def full(row: int) -> FaceLabel:
    return FaceLabel(row + 1, row % 2)


def test_the_system_is_built_and_nothing_is_written(
    request_on: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    request = request_on(full)
    listener = Listener()
    setup = set_up(request, listener).setup
    store = ChipStore.open(request.data)
    assert listener.warnings == []
    assert not (tmp_path / "run").exists()
    assert (len(setup.train), len(setup.val), setup.folder) == (5, 5, tmp_path / "run")
    assert setup.card.data["split_hash"] == setup.identity["split_hash"] == store.split_hash
    assert setup.card.data["split"] == SPLIT
    assert setup.card.training["command"] == "utkage train"
    assert "trained_heads" not in setup.card.training
    assert setup.card.lineage[-1].startswith("trained on drawn, split ")
    assert "keep_checkpoints" not in setup.identity, "it may change when a run is resumed"
    assert setup.identity["epochs"] == 2
    np.testing.assert_array_equal(setup.fingerprints, setup.train.fingerprints())
    origin = provenance(setup.card, setup.identity)
    assert (origin["command"], origin["device"]) == ("utkage train", "cpu")
    assert origin["init_hash"] is None


def test_a_head_without_labels_is_not_trained(request_on: Callable[..., TrainRequest]) -> None:
    listener = Listener()
    setup = set_up(request_on(lambda row: FaceLabel(row + 1, None)), listener).setup
    assert setup.card.training["trained_heads"] == ["age"]
    (warning,) = listener.warnings
    assert "no face has a label of gender" in warning


def test_validation_needs_the_labels_of_training(
    request_on: Callable[..., TrainRequest],
) -> None:
    # Every third face is for training.
    request = request_on(lambda row: FaceLabel(row + 1, None if row % 3 else 1))
    with pytest.raises(DataError, match="no validation face has a label of gender"):
        set_up(request, SilentReporter())


def test_the_seed_system_needs_every_label(request_on: Callable[..., TrainRequest]) -> None:
    config = SeedConfig(epochs=1, batch_size=4, size=32, gender_width=1 / 64)
    request = request_on(lambda row: FaceLabel(row + 1, row % 2 if row else None), config=config)
    with pytest.raises(DataError, match="the seed system needs an age in whole years"):
        set_up(request, SilentReporter())


def test_one_chip_is_too_few(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    change_store_file(tmp_path / "set", split=SPLIT)
    with pytest.raises(UsageError, match="1 training chips; batch norm needs at least 2"):
        set_up(TrainRequest(tmp_path / "set", device="cpu", config=CONFIG), SilentReporter())


@pytest.mark.parametrize("config", [CONFIG, SeedConfig(epochs=3)], ids=["multitask", "seed"])
def test_a_request_holds_its_recipe(config: TrainConfig | SeedConfig, tmp_path: Path) -> None:
    request = TrainRequest(run=tmp_path, config=config, tensorboard=True)
    assert request.recipe.system == ("seed" if isinstance(config, SeedConfig) else "multitask")
    assert request_of(request.recipe, run=tmp_path) == request
    assert request_of(Recipe()).config == TrainConfig()


def test_a_file_as_initial_weights_is_named_by_its_hash(card: Card) -> None:
    trained = replace(card, training={"command": "c", "started": "s", "device": "cpu"})
    assert provenance(trained, {"init": "abc"})["init_hash"] == "abc"


def test_the_result_as_json(tmp_path: Path) -> None:
    rows = ({"epoch": 1, "val_mae": 6.0}, {"epoch": 2, "val_mae": 5.0})
    found = TrainResult(tmp_path, tmp_path / "best", 5.0, 2, rows).to_dict()
    assert (found["run"], found["best_epoch"], found["best_val_mae"]) == (str(tmp_path), 2, 5.0)
    assert found["epochs"] == list(rows)
