"""Dry runs: real steps, measured, extrapolated; nothing written."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from utkage.core.reporter import SilentReporter
from utkage.data.augment import AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.models.card import Card
from utkage.models.multitask import MultiTaskNet
from utkage.models.seed.age_estimation import AgeEstimationNet
from utkage.models.seed.age_range import AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.training import cost_estimate, loop
from utkage.training.checkpoint_folder import CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.cost_estimate import (
    estimate_cost,
    tensor_bytes,
    time_steps,
    time_validation,
)
from utkage.training.loop import Setup
from utkage.training.memory import PeakMemory
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.cost_estimate import estimate_seed_cost
from utkage.training.systems.seed.loop import SeedSetup

Chips = Callable[..., LabelledChips]
CPU = torch.device("cpu")
CONFIG = TrainConfig(
    epochs=4, batch_size=8, sizes=(32, 48, 64), backbone="mobilenet_v3_small", init="scratch"
)


def setup_of(chips: Chips, card: Card, folder: Path) -> Setup:
    train, val = chips(20, 64), chips(9, 64, seed=7)
    augmentation, learned = AugmentConfig(), train.fingerprints()
    return Setup(CONFIG, augmentation, card, {}, train, val, learned, CPU, folder)


def test_a_rehearsal_takes_real_steps_and_writes_nothing(
    labelled_chips: Chips, card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = loop.take_step

    def spy(*arguments: object) -> float:
        sizes.append(CONFIG.size_of_epoch(arguments[3]))  # type: ignore[arg-type]
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cost_estimate, "take_step", spy)
    setup = setup_of(labelled_chips, card, tmp_path / "run")
    torch.manual_seed(0)
    network = MultiTaskNet(CONFIG.backbone)
    before = network.age.weight.detach().clone()
    found = estimate_cost(network, setup, SilentReporter())
    assert sizes == [32] * 4 + [48] * 4 + [64] * 4
    assert not torch.equal(network.age.weight, before)
    assert list(found.step_seconds) == [32, 48, 64]
    assert all(0 < seconds < 60 for seconds in found.step_seconds.values())
    assert 0 < found.validation_seconds < 60
    assert list(tmp_path.iterdir()) == []
    # Weights, their average, and two moments of each trained number.
    trained = sum(part.numel() for part in network.parameters())
    state = tensor_bytes(network.state_dict())
    assert state <= found.weights_bytes
    assert found.checkpoint_bytes == pytest.approx(2 * state + 8 * trained, rel=0.01)


def test_a_checkpoint_is_as_large_as_was_said(
    labelled_chips: Chips, card: Card, tmp_path: Path
) -> None:
    setup = setup_of(labelled_chips, card, tmp_path)
    found = estimate_cost(MultiTaskNet(CONFIG.backbone), setup, SilentReporter())
    loop.fit(MultiTaskNet(CONFIG.backbone), setup, SilentReporter())
    (checkpoint,) = CheckpointFolder(tmp_path).paths()
    assert checkpoint.stat().st_size == pytest.approx(found.checkpoint_bytes, rel=0.05)
    assert (tmp_path / loop.BEST_NAME).stat().st_size == pytest.approx(
        found.weights_bytes, rel=0.05
    )


def test_the_seed_system(labelled_chips: Chips, card: Card, tmp_path: Path) -> None:
    config = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)
    train, val = labelled_chips(20), labelled_chips(9, seed=7)
    learned = train.fingerprints()
    setup = SeedSetup(config, AugmentConfig(), card, {}, train, val, learned, CPU, tmp_path)
    system = SeedSystem(VggFace(32, 1 / 64), AgeRangeNet(), AgeEstimationNet())
    found = estimate_seed_cost(system, setup, SilentReporter())
    assert list(found.step_seconds) == [32]
    assert 0 < found.validation_seconds < 60
    assert found.checkpoint_bytes > 2.9 * found.weights_bytes
    assert list(tmp_path.iterdir()) == []


class Clock:
    """Time that only passes when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cost_estimate, "time", clock)
    return clock


def test_the_warm_up_does_not_count(clock: Clock) -> None:
    def step(number: int) -> None:
        clock.now += (9.0, 2.0, 3.0, 7.0)[number]

    assert time_steps(step, "x", CPU, SilentReporter()) == 3.0


def test_validation_is_extrapolated_from_a_few_batches(clock: Clock) -> None:
    seen: list[int] = []

    def answer(batch: int) -> None:
        seen.append(batch)
        clock.now += 9.0 if batch == 0 else 2.0

    assert time_validation(answer, range(100), 10, 1005, CPU) == pytest.approx(201.0)
    assert seen == [0, 1, 2]
    # A set of one batch has nothing but its warm-up, and is done with it.
    assert time_validation(answer, [0], 10, 3, CPU) == 9.0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="sizes as Linux tells them")
def test_memory_grows_by_what_is_taken() -> None:
    resource = pytest.importorskip("resource")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    memory = PeakMemory(CPU)
    before, kind = memory.read()
    assert kind == "growth of the process"
    assert before is not None
    # More than the process ever had, whatever ran before in it.
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    block = torch.ones(math.ceil((largest - resident + 50_000_000) / 4))
    after, _ = memory.read()
    assert after is not None
    assert after > before + 20_000_000
    del block
