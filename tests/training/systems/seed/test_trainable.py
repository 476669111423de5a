"""The seed system in the loop: files, averages, resuming."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from utkage.core.errors import ConfigError, TrainingError
from utkage.core.reporter import Reporter, SilentReporter
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.models.card import Card
from utkage.models.locate import BEST_NAME, LAST_NAME
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.models.systems import build_seed
from utkage.models.weights_files import load_weights
from utkage.training import batches
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.loop import FitResult, fit
from utkage.training.setup import Setup
from utkage.training.summary import METRICS_NAME
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.joint import score_seed
from utkage.training.systems.seed.trainable import TrainableSeed

Chips = Callable[..., LabelledChips]
SeedSetup = Setup[SeedConfig]
CONFIG = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)


def system_of(seed: int = 0) -> SeedSystem:
    torch.manual_seed(seed)
    return SeedSystem(VggFace(32, 1 / 64), AgeRangeNet(), AgeEstimationNet())


def train(setup: SeedSetup, reporter: Reporter | None = None, seed: int = 0) -> FitResult:
    return fit(TrainableSeed(system_of(seed), setup), reporter or SilentReporter())


class StopAfter(SilentReporter):
    def __init__(self, steps: int) -> None:
        self.left = steps

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[StopAfter]:
        yield self

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.left -= steps
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.fixture
def setup(labelled_chips: Chips, card: Card, tmp_path: Path) -> SeedSetup:
    folder = tmp_path / "run"
    folder.mkdir()
    training = labelled_chips(24)
    return Setup(
        config=CONFIG,
        augmentation=AugmentConfig(),
        card=replace(card, system="seed", contract=card.contract.at_size(32).unscaled()),
        identity=CONFIG.to_dict(),
        train=training,
        val=labelled_chips(9, seed=7),
        fingerprints=training.fingerprints(),
        device=torch.device("cpu"),
        folder=folder,
    )


def test_files_and_metrics(setup: SeedSetup) -> None:
    result = train(setup)
    lines = (setup.folder / METRICS_NAME).read_text().splitlines()
    initial, *rows = [json.loads(line) for line in lines]
    assert initial["epoch"] == 0
    assert rows == list(result.rows)
    assert result.best_mae == min(row["val_mae"] for row in rows)
    best = load_weights(setup.folder / BEST_NAME)
    assert best.card.metrics["val"]["epoch"] == result.best_epoch
    assert float(best.state["age_scale"]) == pytest.approx(result.best_mae, abs=1e-3)
    assert best.fingerprints.tolist() == setup.train.fingerprints().tolist()
    images = torch.from_numpy(setup.val.pixels).permute(0, 3, 1, 2).float()
    ages, genders = torch.from_numpy(setup.val.ages), torch.from_numpy(setup.val.genders)
    again = score_seed(build_seed(best, "best"), [(images, ages, genders)])
    assert again.mae == pytest.approx(result.best_mae, abs=1e-3)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_the_averaged_weights_are_saved(setup: SeedSetup, decay: float) -> None:
    setup = replace(setup, config=replace(CONFIG, ema_decay=decay))
    train(setup)
    saved = load_weights(setup.folder / LAST_NAME).state
    checkpoint = CheckpointFolder(setup.folder, 1).newest(SilentReporter())
    assert checkpoint is not None
    assert saved.keys() == checkpoint.average.keys()
    assert all(torch.equal(saved[name], checkpoint.average[name]) for name in saved)
    differ = [name for name in saved if not torch.equal(saved[name], checkpoint.network[name])]
    assert bool(differ) == bool(decay)


def test_a_checkpoint_of_the_former_version_without_an_average(setup: SeedSetup) -> None:
    setup = replace(setup, config=replace(CONFIG, ema_decay=0.0))
    uninterrupted = replace(setup, folder=setup.folder.parent / "uninterrupted")
    uninterrupted.folder.mkdir()
    train(uninterrupted)
    with pytest.raises(KeyboardInterrupt):
        train(setup, StopAfter(2))
    checkpoints = CheckpointFolder(setup.folder, 1)
    checkpoint = checkpoints.newest(SilentReporter())
    assert checkpoint is not None
    checkpoints.save(replace(checkpoint, average={}, losses=[]))
    train(setup, seed=9)
    ends = [load_weights(item.folder / LAST_NAME).state for item in (uninterrupted, setup)]
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


@pytest.mark.parametrize("stopped_after", [0, 2, 3, 5])
def test_a_resumed_run_ends_with_the_same_bits(setup: SeedSetup, stopped_after: int) -> None:
    uninterrupted = replace(setup, folder=setup.folder.parent / "uninterrupted")
    uninterrupted.folder.mkdir()
    train(uninterrupted)
    with pytest.raises(KeyboardInterrupt):
        train(setup, StopAfter(stopped_after))
    train(setup, seed=9)
    ours = load_weights(setup.folder / LAST_NAME).state
    theirs = load_weights(uninterrupted.folder / LAST_NAME).state
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_mixup_is_refused(setup: SeedSetup) -> None:
    with pytest.raises(ConfigError, match=r"mixup is 0\.5; it must be 0"):
        train(replace(setup, augmentation=AugmentConfig(mixup=0.5)))


def test_too_little_memory_names_what_to_lower(
    setup: SeedSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(batches, "augment", full)
    with pytest.raises(TrainingError, match=r"out of memory; lower `batch_size`.*gender_width"):
        train(setup)
