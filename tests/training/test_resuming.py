"""A run that was stopped, or is lengthened, ends as an uninterrupted one."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import torch
from small_backbone import SMALL_BACKBONE
from small_trainings import (
    CONFIG,
    Interrupting,
    MakeSetup,
    MultitaskSetup,
    newest,
    read_rows,
    train,
)
from torch import nn

from utkage.core.errors import TrainingError
from utkage.core.reporter import SilentReporter
from utkage.data.augment import AugmentConfig
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import with_backbone
from utkage.models.weights_files import load_weights
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.config import TrainConfig

# Without a checkpoint after every step.
CALM = replace(CONFIG, checkpoint_minutes=5.0)
MIXED = AugmentConfig(mixup=0.7, mixup_alpha=1.0)
FROZEN_FIRST = replace(CONFIG, freeze_epochs=1, layer_decay=0.7)
# It draws from the global generator.
DROPPING = replace(
    SMALL_BACKBONE,
    name="dropping",
    build=lambda: nn.Sequential(*SMALL_BACKBONE.build().children(), nn.Dropout(0.5)),
)
STOCHASTIC = replace(FROZEN_FIRST, freeze_epochs=0, backbone=DROPPING.name)


@pytest.mark.parametrize(
    ("where", "after"),
    [("epoch 1", 0), ("epoch 1", 2), ("validating", 0), ("epoch 2", 1), ("validating", 1)],
)
def test_an_interrupted_run_ends_with_the_same_bits(
    make_setup: MakeSetup, uninterrupted: MultitaskSetup, where: str, after: int
) -> None:
    setup = make_setup("interrupted")
    setup.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(setup, Interrupting(where, after))
    if (where, after) != ("epoch 1", 0):
        assert CheckpointFolder(setup.folder).paths()
    result = train(setup)
    assert [row["epoch"] for row in result.rows] == [1, 2]
    for name in (LAST_NAME, BEST_NAME):
        first = load_weights(uninterrupted.folder / name)
        second = load_weights(setup.folder / name)
        assert first.card == second.card
        for key, value in first.state.items():
            assert torch.equal(value, second.state[key]), f"{key} of {name}"
    ends = [newest(item) for item in (uninterrupted, setup)]
    for key, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[key]), key


def test_a_finished_run_can_get_more_epochs(make_setup: MakeSetup) -> None:
    messages: list[str] = []
    listener = SilentReporter()
    listener.info = messages.append  # type: ignore[method-assign]
    first = make_setup()
    train(first)
    kept = read_rows(first)
    longer = make_setup(config=replace(CONFIG, epochs=4))
    result = train(longer, listener)
    assert [row["epoch"] for row in result.rows] == [1, 2, 3, 4]
    assert read_rows(longer)[: len(kept)] == kept
    assert any("had 2 epochs" in text and "of 4 epochs" in text for text in messages)
    # The rate is that of a run of four epochs, which has not fallen to zero after two.
    rates = [row["learning_rate"] for row in result.rows]
    assert rates[2] > rates[1]
    with pytest.raises(TrainingError, match=r"has 4 epochs already.*`init="):
        train(make_setup(config=replace(CONFIG, epochs=3)))


def test_an_unfinished_run_gets_no_more_epochs(make_setup: MakeSetup) -> None:
    setup = make_setup()
    setup.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(setup, Interrupting("epoch 2", 1))
    with pytest.raises(TrainingError, match="finish its 2 epochs first"):
        train(make_setup(config=replace(CONFIG, epochs=4)))


def test_a_finished_run_is_left_alone(make_setup: MakeSetup, uninterrupted: MultitaskSetup) -> None:
    before = {path.name: path.read_bytes() for path in uninterrupted.folder.iterdir()}
    result = train(uninterrupted)
    assert len(result.rows) == 2
    assert {path.name: path.read_bytes() for path in uninterrupted.folder.iterdir()} == before


def test_other_settings_do_not_go_on(make_setup: MakeSetup, uninterrupted: MultitaskSetup) -> None:
    other = replace(uninterrupted, identity={**uninterrupted.identity, "seed": 5})
    with pytest.raises(TrainingError, match="seed: 0 there, 5 now"):
        train(other)


def test_a_blended_and_weighted_run_ends_with_the_same_bits(make_setup: MakeSetup) -> None:
    config = replace(CALM, age_loss="corn", age_weighting="sqrt", accumulate=2)
    straight, stopped = (
        replace(make_setup(name, config), augmentation=MIXED) for name in ("straight", "stopped")
    )

    def start() -> MultiTaskNet:
        torch.manual_seed(0)
        return MultiTaskNet(config.backbone, "corn")

    for setup in (straight, stopped):
        setup.folder.mkdir()
    card = replace(straight.card, age_head="corn")
    straight, stopped = replace(straight, card=card), replace(stopped, card=card)
    train(straight, network=start())
    with pytest.raises(KeyboardInterrupt):
        train(stopped, Interrupting("epoch 2", 1), start())
    torch.manual_seed(99)
    train(stopped, network=start())
    ends = [newest(item) for item in (straight, stopped)]
    for name, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[name]), name
    for name, value in ends[0].average.items():
        assert torch.equal(value, ends[1].average[name]), name


@pytest.mark.parametrize(
    ("config", "where", "after"),
    [
        *((FROZEN_FIRST, "epoch 1", after) for after in (1, 2)),
        *((FROZEN_FIRST, "epoch 2", after) for after in (0, 2)),
        (FROZEN_FIRST, "validating", 0),
        (STOCHASTIC, "epoch 1", 2),
        (STOCHASTIC, "validating", 0),
    ],
)
def test_a_refined_run_ends_with_the_same_bits(
    make_setup: MakeSetup, config: TrainConfig, where: str, after: int
) -> None:
    straight, stopped = make_setup("straight", config), make_setup("stopped", config)
    with with_backbone(DROPPING):
        train(straight)
        stopped.folder.mkdir()
        with pytest.raises(KeyboardInterrupt):
            train(stopped, Interrupting(where, after))
        # What a new process would hold in its global generator.
        torch.manual_seed(99)
        train(stopped)
    ends = [newest(item) for item in (straight, stopped)]
    for name, value in ends[0].network.items():
        assert torch.equal(value, ends[1].network[name]), name
    for name, value in ends[0].average.items():
        assert torch.equal(value, ends[1].average[name]), name


class Signalling(Interrupting):
    """Sends SIGTERM to this process instead of raising, and keeps the warnings."""

    def __init__(self, where: str, after: int) -> None:
        super().__init__(where, after)
        self.warnings: list[str] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        try:
            super().advance(steps, note)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGTERM)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def test_a_signal_stops_between_steps_and_is_saved(
    make_setup: MakeSetup, uninterrupted: MultitaskSetup
) -> None:
    setup = make_setup("signalled")
    setup.folder.mkdir()
    former = signal.getsignal(signal.SIGTERM)
    reporter = Signalling("epoch 2", 1)
    with pytest.raises(KeyboardInterrupt):
        train(setup, reporter)
    assert signal.getsignal(signal.SIGTERM) is former
    assert any(f"`run={setup.folder}`" in message for message in reporter.warnings)
    train(setup)
    first, second = (load_weights(item.folder / LAST_NAME).state for item in (uninterrupted, setup))
    assert all(torch.equal(value, second[key]) for key, value in first.items())
