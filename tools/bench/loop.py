"""Measure the training loop against bare steps, in turns, for ``tools/bench.py``.

Counted in the loop: ``fit`` itself between two steps of an epoch, drawn on a terminal: gathering
the chips, varying them, seeding, forward, loss, backward, clipping, AdamW, the average of the
weights, the checks of signals and of finite numbers, the progress bar. Checkpoints come in with
their share: one is timed, and falls due as often as by default. Not counted: validation and what
is written between epochs.

Counted in a bare step: forward, the same loss, backward and the same AdamW on the same network in
channels-last memory, of tensors that are there already. No clipping, average, checks or output.
"""

from __future__ import annotations

import copy
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

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
PROMISED = {"without augmentation": 0.97, "with the default augmentation": 0.92}


@dataclass
class _Clock:
    """Seconds of the wall and of the process's threads."""

    wall: float = 0.0
    work: float = 0.0

    @classmethod
    def now(cls) -> _Clock:
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: _Clock) -> _Clock:
        return _Clock(self.wall - start.wall, self.work - start.work)


class _Turns(ConsoleReporter):
    """A terminal, on which a bare step is taken after each step of the loop.

    Args:
        bare: Takes one.
    """

    def __init__(self, bare: Callable[[], object]) -> None:
        super().__init__(Console(file=io.StringIO(), force_terminal=True), quiet=False)
        self._bare = bare
        self.pairs: list[tuple[_Clock, _Clock]] = []

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Open the bar, and take turns if it is an epoch's."""
        with super().progress(label, total) as task:
            if label.startswith("epoch"):
                assert isinstance(task, BarTask)
                yield _Turn(task, self._bare, self.pairs)
            else:
                yield task


class _Turn:
    """An epoch's bar: notes the time of each step of the loop and of the bare step behind it."""

    def __init__(
        self, task: BarTask, bare: Callable[[], object], pairs: list[tuple[_Clock, _Clock]]
    ) -> None:
        self._task, self._bare, self._pairs = task, bare, pairs
        self._started = _Clock.now()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Show a step of the loop, stop its clock and the bar, take a bare step, go on."""
        self._task.advance(steps, note)
        in_loop = _Clock.now().since(self._started)
        if steps:
            self._task.bar.stop()
            started = _Clock.now()
            self._bare()
            self._pairs.append((_Clock.now().since(started), in_loop))
            self._task.bar.start()
        self._started = _Clock.now()


def bench_loop(threads: int, steps: int, batch_size: int = TrainConfig.batch_size) -> None:
    """Print a line without and one with augmentation.

    Args:
        threads: Of torch.
        steps: That each loop takes, with a bare step after each.
        batch_size: Chips a step.
    """
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    config = TrainConfig(epochs=1, batch_size=batch_size)
    network = build_multitask(load_weights(shipped_weights()), "shipped weights")
    augmentations = zip(PROMISED, (NO_AUGMENTATION, AugmentConfig()), strict=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chips = _noise(batch_size * (1 + steps), folder / "chips.u8")
        validation = _noise(VALIDATION_CHIPS, folder / "validation.u8")
        for loop, augmentation in augmentations:
            run = folder / loop
            setup = _setup(chips, validation, config, augmentation, run)
            turns = _Turns(_bare_step(copy.deepcopy(network), config))
            fit(TrainableMultitask(copy.deepcopy(network), setup), turns)
            saving = _seconds_to_save(run)
            _report(loop, turns.pairs[1:], saving / (60 * config.checkpoint_minutes))
    torch.set_num_threads(former)
    print(
        f"  {batch_size} chips of {config.size} pixels, threads {threads}, {steps} steps of each "
        f"in turns; a checkpoint every {config.checkpoint_minutes:g} minutes takes {saving:.2f} s"
    )


def _report(loop: str, pairs: Sequence[tuple[_Clock, _Clock]], share: float) -> None:
    """Print the ratios of pairs of a bare step and one of the loop; ``share`` goes to saving."""
    columns = {
        "processor time": [(bare.work, ours.work) for bare, ours in pairs],
        "the clock": [(bare.wall, ours.wall) for bare, ours in pairs],
    }
    words = []
    for name, times in columns.items():
        low, middle, high = statistics.quantiles([b / o for b, o in times], n=4)
        keep = 1 - share
        bare_ms = 1000 * statistics.median(bare for bare, _ in times)
        words.append(
            f"{middle * keep:.3f} by {name} (quartiles {low * keep:.3f}..{high * keep:.3f}, "
            f"a bare step {bare_ms:.0f} ms)"
        )
    print(f"loop {loop}: {', '.join(words)}; promised {PROMISED[loop]}")


def _bare_step(network: MultiTaskNet, config: TrainConfig) -> Callable[[], object]:
    network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        parameter_groups(network, config.weight_decay, config.layer_decay), lr=1e-5
    )
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
    started = time.perf_counter()
    checkpoints.save(newest)
    return time.perf_counter() - started
