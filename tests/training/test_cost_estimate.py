"""Dry runs: real steps and their peak memory, measured, extrapolated; nothing written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_trainings import MakeSetup, MultitaskSetup, network_of, train

from utkage.core.reporter import SilentReporter
from utkage.data.chips import LabelledChips
from utkage.models.locate import BEST_NAME
from utkage.models.seed.age_networks import AgeEstimationNet, AgeRangeNet
from utkage.models.seed.system import SeedSystem
from utkage.models.seed.vgg_face import VggFace
from utkage.training import cost_estimate, step_speed
from utkage.training.batches import TrainingBatches
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.cost_estimate import (
    PeakMemory,
    estimate_cost,
    tensor_bytes,
    time_batches,
    time_steps,
)
from utkage.training.setup import Setup
from utkage.training.systems.base import BatchWork
from utkage.training.systems.multitask.trainable import TrainableMultitask
from utkage.training.systems.seed.config import SeedConfig
from utkage.training.systems.seed.trainable import TrainableSeed

Chips = Callable[..., LabelledChips]
CPU = torch.device("cpu")
CONFIG = TrainConfig(
    epochs=4, batch_size=8, sizes=(32, 48, 64), backbone="mobilenet_v3_small", init="scratch"
)


@pytest.fixture
def setup(make_setup: MakeSetup, labelled_chips: Chips) -> MultitaskSetup:
    training, validation = labelled_chips(20, 64), labelled_chips(9, 64, seed=7)
    return replace(make_setup(config=CONFIG), train=training, val=validation)


def test_a_dry_run_takes_real_steps_and_writes_nothing(
    setup: MultitaskSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = TrainingBatches.read

    def spy(self: TrainingBatches, *arguments: object) -> object:
        sizes.append(CONFIG.size_of_epoch(arguments[1]))  # type: ignore[arg-type]
        return original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingBatches, "read", spy)
    network = network_of(CONFIG)
    before = network.age.weight.detach().clone()
    found = estimate_cost(TrainableMultitask(network, setup), SilentReporter())
    assert sizes == [32] * 4 + [48] * 4 + [64] * 4
    assert not torch.equal(network.age.weight, before)
    assert list(found.step_seconds) == [32, 48, 64]
    assert all(0 < seconds < 60 for seconds in found.step_seconds.values())
    assert 0 < found.validation_seconds < 60
    assert found.teacher_seconds == 0
    assert list(tmp_path.iterdir()) == []
    # Weights, their average, and two moments of each trained number.
    trained = sum(part.numel() for part in network.parameters())
    state = tensor_bytes(network.state_dict())
    assert state <= found.weights_bytes
    assert found.checkpoint_bytes == pytest.approx(2 * state + 8 * trained, rel=0.01)


def test_a_checkpoint_is_as_large_as_estimated(setup: MultitaskSetup) -> None:
    found = estimate_cost(TrainableMultitask(network_of(CONFIG), setup), SilentReporter())
    train(setup)
    (checkpoint,) = CheckpointFolder(setup.folder).paths()
    assert checkpoint.stat().st_size == pytest.approx(found.checkpoint_bytes, rel=0.05)
    assert (setup.folder / BEST_NAME).stat().st_size == pytest.approx(found.weights_bytes, rel=0.05)


def test_the_seed_system(make_setup: MakeSetup, tmp_path: Path) -> None:
    config = SeedConfig(epochs=2, batch_size=8, size=32, gender_width=1 / 64)
    setup: Setup[SeedConfig] = replace(make_setup(), config=config)  # type: ignore[arg-type, assignment]
    system = SeedSystem(VggFace(32, 1 / 64), AgeRangeNet(), AgeEstimationNet())
    found = estimate_cost(TrainableSeed(system, setup), SilentReporter())
    assert list(found.step_seconds) == [32]
    assert 0 < found.validation_seconds < 60
    # Weights, their average, and two moments of nearly every number.
    assert 3.9 * found.weights_bytes < found.checkpoint_bytes < 4 * found.weights_bytes
    assert list(tmp_path.iterdir()) == []


class Clock:
    """Time that only passes when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cost_estimate, "time", clock)
    monkeypatch.setattr(step_speed, "time", clock)
    return clock


def test_the_warm_up_does_not_count(clock: Clock) -> None:
    def step(number: int) -> None:
        clock.now += (9.0, 2.0, 3.0, 7.0)[number]

    assert time_steps(step, "x", CPU, SilentReporter()) == 3.0


def test_validation_is_extrapolated_from_a_few_batches(clock: Clock) -> None:
    seen: list[int] = []

    def predict(batch: int) -> None:
        seen.append(batch)
        clock.now += 9.0 if batch == 0 else 2.0

    assert time_batches(BatchWork(predict, range(100), 10, 1005), CPU) == pytest.approx(201.0)
    assert seen == [0, 1, 2]
    # Work of one batch is its own warm-up, and done with it.
    assert time_batches(BatchWork(predict, [0], 10, 3), CPU) == 9.0


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
