"""The training loop against bare steps.

The loop counts everything in ``fit`` between two steps of an epoch, drawn on a terminal: gathering
the chips, augmentation, seeding, forward, loss, backward, clipping, AdamW, the average of the
weights, the checks of signals and of finite numbers, the progress bar. Checkpoints count with their
share: one is timed, and falls due as often as by default. Validation and what is written between
epochs do not count.

A bare step is forward, the same loss, backward and the same AdamW on the same network in
channels-last memory, on tensors that exist already: no clipping, average, checks or output.
"""

from __future__ import annotations

import copy
import io
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from tools.bench.benchmark import Measurement
from tools.bench.timing import Seconds, timed
from utkage.cli.console import BarTask, ConsoleReporter
from utkage.core.reporter import Progress, SilentReporter
from utkage.data.augment import NO_AUGMENTATION, AugmentConfig
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.faces.contract import utkface_contract
from utkage.models.locate import shipped_weights
from utkage.models.multitask import MultiTaskNet
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.training.checkpoint_folder import CheckpointFolder
from utkage.training.config import TrainConfig
from utkage.training.loop import fit
from utkage.training.objective import objective_of
from utkage.training.parameter_groups import parameter_groups
from utkage.training.setup import Setup
from utkage.training.systems.multitask.trainable import TrainableMultitask
from utkage.training.targets import Targets

# What `prepare` stores by default.
STORED_SIZE = 160
VALIDATION_CHIPS = 4
# By augmentation: the lowest speed of the loop that passes, of that of bare steps.
BARS = {"without augmentation": 0.97, "with the default augmentation": 0.92}

# Seconds of a bare step, and of the step of the loop before it.
Pair = tuple[Seconds, Seconds]


class _Interleaving(ConsoleReporter):
    """A terminal that takes a bare step after each step of the loop."""

    def __init__(self, bare: Callable[[], object]) -> None:
        super().__init__(Console(file=io.StringIO(), force_terminal=True), quiet=False)
        self._bare = bare
        self.pairs: list[Pair] = []

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Open the bar; in an epoch's, interleave the steps."""
        with super().progress(label, total) as task:
            if label.startswith("epoch"):
                assert isinstance(task, BarTask)
                yield _InterleavedTask(task, self._bare, self.pairs)
            else:
                yield task


class _InterleavedTask:
    """An epoch's bar, which times each step of the loop and the bare step after it."""

    def __init__(self, task: BarTask, bare: Callable[[], object], pairs: list[Pair]) -> None:
        self._task, self._bare, self._pairs = task, bare, pairs
        self._started = Seconds.now()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Draw the bar, stop the clock of the loop, and take a bare step."""
        self._task.advance(steps, note)
        in_loop = Seconds.now().since(self._started)
        if steps:
            self._task.bar.stop()
            self._pairs.append((timed(self._bare), in_loop))
            self._task.bar.start()
        self._started = Seconds.now()


def bench_loop(steps: int, batch_size: int) -> list[Measurement]:
    """Compare without and with augmentation; each loop takes ``steps`` steps."""
    config = TrainConfig(epochs=1, batch_size=batch_size)
    network = build_multitask(load_weights(shipped_weights()), "shipped weights")
    augmentations = (NO_AUGMENTATION, AugmentConfig())
    measurements = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chips = _noise(batch_size * (1 + steps), folder / "chips.u8")
        validation = _noise(VALIDATION_CHIPS, folder / "validation.u8")
        for loop, augmentation in zip(BARS, augmentations, strict=True):
            run = folder / loop
            setup = _setup(chips, validation, config, augmentation, run)
            reporter = _Interleaving(_bare_step(copy.deepcopy(network), config))
            fit(TrainableMultitask(copy.deepcopy(network), setup), reporter)
            share = _seconds_to_save(run) / (60 * config.checkpoint_minutes)
            measurements.append(_measurement(loop, reporter.pairs[1:], 1 - share))
    return measurements


def _measurement(loop: str, pairs: Sequence[Pair], kept: float) -> Measurement:
    """Speed of the loop by CPU time, of which ``kept`` remains between checkpoints."""
    low, middle, high = _quartiles([bare.cpu / own.cpu * kept for bare, own in pairs])
    _, wall, _ = _quartiles([bare.wall / own.wall * kept for bare, own in pairs])
    bare_ms = 1000 * statistics.median(bare.wall for bare, _ in pairs)
    return Measurement(
        name=f"loop {loop}",
        value=middle,
        unit="of the speed of bare steps, by CPU time",
        at_least=BARS[loop],
        detail=f"quartiles {low:.3f} to {high:.3f}, {wall:.3f} by the clock, a bare step "
        f"{bare_ms:.0f} ms, {len(pairs)} steps",
    )


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


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
    """Chips of noise in a mapped file, as those of a prepared set are."""
    random = np.random.default_rng(0)
    shape = (count, STORED_SIZE, STORED_SIZE, 3)
    random.integers(0, 256, shape, dtype=np.uint8).tofile(path)
    rows = np.arange(count, dtype=np.int64)
    return LabelledChips(
        pixels=np.memmap(path, dtype=np.uint8, mode="r", shape=shape),
        rows=rows,
        sources=("noise",) * count,
        names=tuple(map(str, rows)),
        ages=rows % AGE_COUNT,
        genders=rows % 2,
        races=np.full(count, -1, dtype=np.int64),
        pixel_hashes=tuple(f"{row:064x}" for row in rows),
        contract=utkface_contract(STORED_SIZE),
    )


def _setup(
    chips: LabelledChips,
    validation: LabelledChips,
    config: TrainConfig,
    augmentation: AugmentConfig,
    folder: Path,
) -> Setup[TrainConfig]:
    return Setup(
        config=config,
        augmentation=augmentation,
        card=load_weights(shipped_weights()).card,
        identity={},
        train=chips,
        val=validation,
        fingerprints=chips.fingerprints(),
        device=torch.device("cpu"),
        folder=folder,
    )


def _seconds_to_save(folder: Path) -> float:
    checkpoints = CheckpointFolder(folder)
    newest = checkpoints.newest(SilentReporter())
    assert newest is not None
    return timed(lambda: checkpoints.save(newest)).wall
