"""Trainings of seconds that tests of several modules share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_backbone import SMALL_BACKBONE

from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet
from utkage.models.registry import with_backbone
from utkage.training.checkpoint import Checkpoint, CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.loop import FitResult, fit
from utkage.training.setup import Setup
from utkage.training.summary import METRICS_NAME
from utkage.training.systems.base import Validation
from utkage.training.systems.multitask.trainable import TrainableMultitask

MultitaskSetup = Setup[TrainConfig]
MakeSetup = Callable[..., MultitaskSetup]
# A checkpoint after every step.
CONFIG = TrainConfig(
    epochs=2,
    batch_size=8,
    learning_rate=2e-3,
    sizes=(32,),
    backbone=SMALL_BACKBONE.name,
    init="scratch",
    ema_decay=0.9,
    checkpoint_minutes=0.0,
)


class Interrupting(SilentReporter):
    """Raises when the task whose label starts with ``where`` has advanced ``after`` times."""

    def __init__(self, where: str, after: int) -> None:
        self.where, self.left = where, after

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Interrupting]:
        self.label = label
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        if steps and self.label.startswith(self.where):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def network_of(config: TrainConfig = CONFIG) -> MultiTaskNet:
    torch.manual_seed(config.seed)
    return MultiTaskNet(config.backbone)


def train(
    setup: MultitaskSetup, reporter: Reporter | None = None, network: MultiTaskNet | None = None
) -> FitResult:
    """Train or resume in the folder of the setup."""
    setup.folder.mkdir(exist_ok=True)
    network = network or network_of(setup.config)
    return fit(TrainableMultitask(network, setup), reporter or SilentReporter())


def read_rows(setup: MultitaskSetup) -> list[dict[str, object]]:
    """The rows of metrics.jsonl."""
    return [json.loads(line) for line in (setup.folder / METRICS_NAME).read_text().splitlines()]


def newest(setup: Setup) -> Checkpoint:
    found = CheckpointFolder(setup.folder).newest(SilentReporter())
    assert found is not None
    return found


def validations_find(monkeypatch: pytest.MonkeyPatch, errors: list[float]) -> None:
    """Let the validations of a run find these MAEs, one after each epoch."""
    # Before the first epoch, there is a validation as well.
    original, left = TrainableMultitask.validate, iter([99.0, *errors])

    def validate(self: TrainableMultitask, reporter: Reporter) -> Validation:
        found, mae = original(self, reporter), next(left)
        return replace(found, mae=mae, columns={**found.columns, "val_mae": mae})

    monkeypatch.setattr(TrainableMultitask, "validate", validate)


def sources_find(monkeypatch: pytest.MonkeyPatch, errors: list[dict[str, float]]) -> None:
    """Let the validations of a run find these MAEs by source, and the mean of all faces at 5."""
    # Before the first epoch, there is a validation as well.
    original, left = TrainableMultitask.validate, iter([errors[0], *errors])

    def validate(self: TrainableMultitask, reporter: Reporter) -> Validation:
        found = original(self, reporter)
        sources = {name: {"n": 1, "mae": mae} for name, mae in next(left).items()}
        columns = {**found.columns, "val_mae": 5.0, "val_sources": sources}
        return replace(found, mae=5.0, columns=columns)

    monkeypatch.setattr(TrainableMultitask, "validate", validate)


@pytest.fixture(autouse=True)
def small_backbone() -> Iterator[None]:
    """The backbone of ``CONFIG`` has its name."""
    with with_backbone(SMALL_BACKBONE):
        yield


@pytest.fixture
def make_setup(
    labelled_chips: Callable[..., LabelledChips], card: Card, tmp_path: Path
) -> MakeSetup:
    training, validation = labelled_chips(24), labelled_chips(9, seed=7)

    def make(name: str = "run", config: TrainConfig = CONFIG) -> MultitaskSetup:
        return Setup(
            config=config,
            augmentation=AugmentConfig(),
            card=card,
            identity=config.to_dict(),
            train=training,
            val=validation,
            fingerprints=training.fingerprints(),
            device=torch.device("cpu"),
            folder=tmp_path / name,
        )

    return make


@pytest.fixture
def uninterrupted(make_setup: MakeSetup) -> MultitaskSetup:
    """A run that went through without a stop."""
    setup = make_setup("uninterrupted")
    train(setup)
    return setup
