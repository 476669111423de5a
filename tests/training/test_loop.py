"""The training loop: files, rows, the best epoch, early stops and faults."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_trainings import (
    CONFIG,
    Interrupting,
    MakeSetup,
    MultitaskSetup,
    network_of,
    newest,
    read_rows,
    sources_find,
    train,
    validations_find,
)

from utkage.core.errors import ConfigError, TrainingError
from utkage.core.reporter import SilentReporter
from utkage.data.augment import NO_AUGMENTATION
from utkage.data.batches import epoch_order
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.weights_files import load_weights
from utkage.prediction.predictions import Predictions
from utkage.training import batches, loop, step_numbers
from utkage.training.batches import ReadChips, TrainingBatches
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.distributed import Group
from utkage.training.loop import RemainingTime, fit
from utkage.training.summary import METRICS_NAME, SUMMARY_NAME
from utkage.training.systems.multitask.trainable import TrainableMultitask

# Without a checkpoint after every step.
CALM = replace(CONFIG, checkpoint_minutes=5.0)


def test_it_learns_what_can_be_seen(make_setup: MakeSetup) -> None:
    config = replace(CONFIG, epochs=10, checkpoint_minutes=5.0, learning_rate=4e-3)
    calm = replace(NO_AUGMENTATION, flip=0.5)
    result = train(replace(make_setup(config=config), augmentation=calm))
    losses = [row["train_loss"] for row in result.rows]
    assert losses[-1] < 0.6 * losses[0]


def test_a_batch_for_too_many_processes(make_setup: MakeSetup) -> None:
    setup = make_setup(config=replace(CONFIG, batch_size=3))
    system = TrainableMultitask(network_of(setup.config), setup)
    system.setup = replace(setup, group=Group(rank=1, size=2))
    with pytest.raises(ConfigError, match=r"a batch of 3 chips for 2 processes; .*`batch_size`"):
        fit(system, SilentReporter())


def test_files_and_rows(make_setup: MakeSetup) -> None:
    setup = make_setup()
    result = train(setup)
    names = {path.name for path in setup.folder.iterdir()}
    kept = {"checkpoint-00000006.pt", METRICS_NAME, SUMMARY_NAME, BEST_NAME, LAST_NAME}
    assert names == kept
    initial, *rows = read_rows(setup)
    assert rows == list(result.rows)
    assert initial["epoch"] == 0
    assert initial["val_mae"] > 0
    assert "train_loss" not in initial
    assert [row["epoch"] for row in rows] == [1, 2]
    assert result.best_mae == min(row["val_mae"] for row in rows)
    assert rows[result.best_epoch - 1]["val_mae"] == result.best_mae
    best = load_weights(setup.folder / BEST_NAME)
    assert best.card.metrics["val"]["epoch"] == result.best_epoch
    assert best.card.metrics["val"]["mae"] == result.best_mae
    assert best.fingerprints.tolist() == setup.train.fingerprints().tolist()
    last = load_weights(setup.folder / LAST_NAME)
    assert last.card.metrics["val"]["epoch"] == 2
    checkpoint = newest(setup)
    assert checkpoint.step == 6
    for name, value in checkpoint.average.items():
        assert torch.equal(last.state[name], value), "the averaged weights are the ones kept"
    assert any(
        not torch.equal(checkpoint.network[name], value)
        for name, value in checkpoint.average.items()
    )


def test_the_validation_before_training_is_that_of_the_initial_weights(
    make_setup: MakeSetup,
) -> None:
    setup = make_setup("first")
    setup.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(setup, Interrupting("epoch 1", 1))
    (row,) = read_rows(setup)
    expected = TrainableMultitask(network_of(), setup).validate(SilentReporter())
    assert row == {"epoch": 0, **expected.columns}
    # A resumed run keeps it.
    train(setup)
    assert read_rows(setup)[0] == row
    assert [each["epoch"] for each in read_rows(setup)] == [0, 1, 2]


def test_the_seed_decides(make_setup: MakeSetup, uninterrupted: MultitaskSetup) -> None:
    again = make_setup("again")
    train(again)
    other = make_setup("other", replace(CONFIG, seed=1))
    train(other)
    states = [load_weights(item.folder / LAST_NAME).state for item in (uninterrupted, again, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not torch.equal(states[0]["age.weight"], states[2]["age.weight"])


@pytest.mark.parametrize(
    ("validated", "message"),
    [
        (True, r"validation: the weights predict the impossible \(age nan.* lower `learning_rate`"),
        (False, r"loss nan, .* at step 1; lower `learning_rate`"),
    ],
)
def test_a_loss_that_is_not_finite(
    validated: bool, message: str, make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not validated:
        monkeypatch.setattr(Predictions, "require_possible", lambda predictions: None)
    network = network_of()
    with torch.no_grad():
        network.age.bias[3] = float("nan")
    setup = make_setup()
    setup.folder.mkdir()
    with pytest.raises(TrainingError, match=message):
        train(setup, network=network)
    assert not (setup.folder / LAST_NAME).exists()


def test_every_chip_is_seen_once_per_epoch(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    original = TrainingBatches.read

    def spy(self: TrainingBatches, chosen: NDArray[np.int64], *arguments: object) -> object:
        rows.extend(chosen.tolist())
        return original(self, chosen, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingBatches, "read", spy)
    train(make_setup())
    assert sorted(rows[:24]) == sorted(rows[24:]) == list(range(24))
    assert rows[:24] != rows[24:]


def test_it_stops_when_validation_stands_still(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    validations_find(monkeypatch, [9.0, 7.0, 8.0, 7.5])
    setup = make_setup(config=replace(CALM, epochs=9, stop_after=2))
    result = train(setup)
    assert [row["epoch"] for row in result.rows] == [1, 2, 3, 4]
    assert (result.best_epoch, result.best_mae) == (2, 7.0)
    assert load_weights(setup.folder / BEST_NAME).card.metrics["val"]["epoch"] == 2
    # And it stays stopped.
    assert len(train(setup).rows) == 4


@pytest.mark.parametrize(
    ("select_by", "label", "best", "epochs"),
    [("mae", "MAE", 1, 3), ("macro_mae", "macro MAE", 2, 4), ("worst_mae", "worst MAE", 4, 6)],
)
def test_the_setting_chooses_the_best_epoch_and_the_end(
    make_setup: MakeSetup,
    monkeypatch: pytest.MonkeyPatch,
    select_by: str,
    label: str,
    best: int,
    epochs: int,
) -> None:
    by_source = [(2.0, 9.0), (1.0, 8.0), (4.0, 8.0), (5.0, 7.0), (7.0, 7.0), (8.0, 8.0)]
    sources_find(monkeypatch, [{"a": one, "b": other} for one, other in by_source])
    messages: list[str] = []
    reporter = SilentReporter()
    monkeypatch.setattr(reporter, "info", messages.append)
    setup = make_setup(config=replace(CALM, epochs=9, stop_after=2, select_by=select_by))
    result = train(setup, reporter)
    assert (result.best_epoch, result.best_mae, len(result.rows)) == (best, 5.0, epochs)
    assert load_weights(setup.folder / BEST_NAME).card.metrics["val"]["epoch"] == best
    assert messages[-1].endswith(f"the validation {label} no longer falls")
    assert messages[0].startswith("before training: ")
    assert (", macro MAE 5.50" in messages[1]) == (select_by == "macro_mae")
    # A resumed run chooses in the same way.
    assert train(setup).best_epoch == best


def test_too_little_memory_names_what_to_lower(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    wanted = r"cpu: out of memory; lower `batch_size` .* `sizes`, .*accumulate=2"
    network = network_of()
    network.backbone.register_forward_pre_hook(full)
    setup = make_setup()
    setup.folder.mkdir()
    with pytest.raises(TrainingError, match=wanted):
        train(setup, network=network)
    # Chips are varied on the device as well.
    monkeypatch.setattr(batches, "augment", full)
    with pytest.raises(TrainingError, match=wanted):
        train(setup)


def test_the_time_of_further_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(loop.time, "monotonic", lambda: now)
    remaining = RemainingTime(step=10, total=40)
    now = 130.0
    # Fifteen steps took 30 seconds; fifteen are left.
    assert remaining.text(25) == "0:00:30 left"
    assert remaining.text(40) == "0:00:00 left"


def test_batches_are_read_ahead_in_their_order(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: set[int] = set()
    read, trained = [], []
    originals = TrainingBatches.read, TrainingBatches.finish

    def reading(self: TrainingBatches, chosen: NDArray[np.int64], *arguments: object) -> object:
        readers.add(threading.get_ident())
        read.append(chosen.tolist())
        return originals[0](self, chosen, *arguments)  # type: ignore[arg-type]

    def finishing(self: TrainingBatches, chips: ReadChips) -> object:
        assert len(read) > len(trained), "a batch is read before its step"
        trained.append(chips.faces.tolist())
        return originals[1](self, chips)

    monkeypatch.setattr(TrainingBatches, "read", reading)
    monkeypatch.setattr(TrainingBatches, "finish", finishing)
    setup = make_setup()
    train(setup)
    assert trained == read
    epochs = [epoch_order(24, setup.config.seed, epoch).tolist() for epoch in range(2)]
    assert [face for batch in trained for face in batch] == epochs[0] + epochs[1]
    assert threading.get_ident() not in readers


@pytest.mark.parametrize("stopped", [False, True])
def test_losses_that_are_read_rarely_change_nothing(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    first = make_setup("each", CALM)
    train(first)
    # As on a GPU: all losses of an epoch are read at its end, and before a checkpoint.
    monkeypatch.setattr(step_numbers, "read_interval", lambda device: 50)
    second = make_setup("rarely", CALM)
    if stopped:
        second.folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            train(second, Interrupting("epoch 2", 1))
        assert len(newest(second).losses) == 2
    train(second)
    ends = [newest(item) for item in (first, second)]
    assert all(torch.equal(value, ends[1].network[key]) for key, value in ends[0].network.items())
    rows = [read_rows(item) for item in (first, second)]
    timeless = [[{**row, "seconds": 0} for row in own] for own in rows]
    assert timeless[0] == timeless[1]


@pytest.mark.parametrize("interrupted", [False, True])
def test_no_checkpoint_holds_what_a_loss_that_is_not_finite_left(
    make_setup: MakeSetup, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    monkeypatch.setattr(step_numbers, "read_interval", lambda device: 50)
    setup = make_setup(config=replace(CALM, checkpoint_steps=1, keep_checkpoints=9))
    if interrupted:
        setup = make_setup(config=CALM)
    original = TrainableMultitask.step

    def step(self: TrainableMultitask, batch: Any, number: int, rows: Any) -> torch.Tensor:
        if number == 1:
            batch = batch._replace(images=batch.images * float("nan"))
        return original(self, batch, number, rows)

    monkeypatch.setattr(TrainableMultitask, "step", step)
    reporter = Interrupting("epoch 1", 2) if interrupted else None
    with pytest.raises(TrainingError, match=r"loss nan, .* at step 2; lower `learning_rate`"):
        train(setup, reporter)
    kept = [path.name for path in CheckpointFolder(setup.folder).paths()]
    assert kept == ([] if interrupted else ["checkpoint-00000001.pt"])
