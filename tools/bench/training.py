"""The training loop against bare steps, and the share of augmentation in a training step.

The loop counts everything in ``fit`` between two steps of an epoch, drawn on a terminal: gathering
the chips, augmentation, seeding, forward, loss, backward, clipping, AdamW, the average of the
weights, the checks of signals and of finite numbers, the progress bar. Checkpoints count with their
share: one is timed, and falls due as often as by default. Validation and what is written between
epochs do not count.

A bare step is forward, the same loss, backward and the same AdamW on the same network in
channels-last memory, on tensors that exist already: no clipping, average, checks or output.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from tools.bench.benchmark import BenchOptions, BenchResult, Measurement, made_faces, mapped
from tools.bench.engines import torch_threads
from tools.bench.timing import Seconds, Spread, interleaved, median_wall, timed
from utkage.cli.console import BarTask, ConsoleReporter
from utkage.core.reporter import Progress, SilentReporter
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig, augment
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.data.sample_random import SampleRandom
from utkage.models.locate import shipped_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.training.batches import Targets
from utkage.training.checkpoint import CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.loop import fit
from utkage.training.objective import objective_of
from utkage.training.setup import Setup
from utkage.training.systems.multitask.trainable import TrainableMultitask
from utkage.training.systems.multitask.trainer import parameter_groups

BATCH = 64
THREADS = (1, 2)
AUGMENT_STEPS = 15
LOOP_STEPS = 20
# What `prepare` stores by default, and the size of UTKFace chips.
STORED_SIZE = 160
LARGE_SIZE = 200
# By augmentation: the lowest speed of the loop that passes, of that of bare steps.
BARS = {"without augmentation": 0.97, "with the default augmentation": 0.92}


def bench(options: BenchOptions) -> BenchResult:
    """Measure augmentation with one thread and with two, then the loop with two."""
    config = TrainConfig(epochs=1, batch_size=options.scaled(BATCH, 4))
    found = []
    for threads in THREADS:
        with torch_threads(threads):
            found.append(_bench_augment(threads, config, options.scaled(AUGMENT_STEPS, 2)))
    with torch_threads(THREADS[-1]):
        found += _bench_loop(options.scaled(LOOP_STEPS, 3), config)
    return BenchResult(found)


def _bench_augment(threads: int, config: TrainConfig, steps: int) -> Measurement:
    """The augmentation of a batch of noise against a bare step."""
    shape = (config.batch_size, LARGE_SIZE, LARGE_SIZE, 3)
    chips = torch.randint(0, 256, shape, dtype=torch.uint8)
    random = SampleRandom(0, 0, torch.arange(config.batch_size))
    runs = {
        "augment": lambda: augment(chips, config.size, AugmentConfig(), random),
        "step": _bare_step(_shipped_network(), config),
    }
    times = interleaved(runs, steps)
    pairs = zip(times["augment"], times["step"], strict=True)
    share = Spread(tuple(100 * own.wall / (own.wall + step.wall) for own, step in pairs))
    detail = f"{share}, {len(chips)} chips of {LARGE_SIZE} pixels at {config.size}, {steps} steps"
    unit = "% of augmentation and a bare step"
    return Measurement(
        f"augmentation, threads {threads}", share.median, unit, at_most=6, detail=detail
    )


def _bench_loop(steps: int, config: TrainConfig) -> list[Measurement]:
    """Compare without and with augmentation; each loop takes ``steps`` steps."""
    measurements = []
    augmentations = (NO_AUGMENTATION, AugmentConfig())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chips = _noise(config.batch_size * (1 + steps), folder / "chips.u8")
        validation = _noise(4, folder / "validation.u8")
        for (loop, bar), augmentation in zip(BARS.items(), augmentations, strict=True):
            setup = Setup(
                config=config,
                augmentation=augmentation,
                card=load_weights(shipped_weights()).card,
                identity={},
                train=chips,
                val=validation,
                fingerprints=chips.fingerprints(),
                device=torch.device("cpu"),
                folder=folder / loop,
            )
            reporter = _Interleaving(_bare_step(_shipped_network(), config))
            fit(TrainableMultitask(_shipped_network(), setup), reporter)
            kept = 1 - _seconds_to_save(setup.folder) / (60 * config.checkpoint_minutes)
            pairs = reporter.pairs[1:]  # The first step warms caches.
            cpu = Spread(tuple(kept * bare.cpu / own.cpu for bare, own in pairs))
            wall = Spread(tuple(kept * bare.wall / own.wall for bare, own in pairs))
            step = 1000 * median_wall([bare for bare, _ in pairs])
            detail = f"{cpu}, by the clock {wall}, a bare step {step:.0f} ms, {len(pairs)} steps"
            unit = "of the speed of bare steps, by CPU time"
            measurements.append(
                Measurement(f"loop {loop}", cpu.median, unit, at_least=bar, detail=detail)
            )
    return measurements


class _Interleaving(ConsoleReporter):
    """A terminal that takes a bare step after each step of the loop, and times both."""

    def __init__(self, bare: Callable[[], object]) -> None:
        super().__init__(Console(file=io.StringIO(), force_terminal=True), quiet=False)
        self.bare = bare
        self.pairs: list[tuple[Seconds, Seconds]] = []

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Open the bar; in an epoch's, interleave the steps."""
        with super().progress(label, total) as task:
            if label.startswith("epoch"):
                assert isinstance(task, BarTask)
                yield _InterleavedTask(task, self)
            else:
                yield task


class _InterleavedTask:
    """An epoch's bar, which times each step of the loop and the bare step after it."""

    def __init__(self, task: BarTask, steps: _Interleaving) -> None:
        self._task, self._steps = task, steps
        self._started = Seconds.now()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Draw the bar, stop the clock of the loop, and take a bare step."""
        self._task.advance(steps, note)
        in_loop = Seconds.now().since(self._started)
        if steps:
            self._task.bar.stop()
            self._steps.pairs.append((timed(self._steps.bare), in_loop))
            self._task.bar.start()
        self._started = Seconds.now()


def _shipped_network() -> MultiTaskNet:
    return build_multitask(load_weights(shipped_weights()), "shipped weights")


def _bare_step(network: MultiTaskNet, config: TrainConfig) -> Callable[[], object]:
    network.to(memory_format=torch.channels_last).train()
    groups = parameter_groups(network, config.weight_decay, config.layer_decay)
    optimizer = torch.optim.AdamW(groups, lr=1e-5)
    objective = objective_of(config)
    shape = (config.batch_size, 3, config.size, config.size)
    images = torch.rand(shape).mul(255).to(memory_format=torch.channels_last)
    samples = torch.arange(config.batch_size)
    targets = Targets(samples % AGE_COUNT, samples % 2)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        objective(network(images), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _noise(count: int, path: Path) -> LabelledChips:
    shape = (count, STORED_SIZE, STORED_SIZE, 3)
    drawn = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return made_faces(mapped(drawn, path))


def _seconds_to_save(folder: Path) -> float:
    checkpoints = CheckpointFolder(folder)
    newest = checkpoints.newest(SilentReporter())
    assert newest is not None
    return timed(lambda: checkpoints.save(newest)).wall
