"""Measure what the documents promise, as ratios from interleaved runs on this machine.

    python tools/bench.py UTKFace.tar.gz

Without pictures, only what needs none is measured.

``decode``: pictures a second of reading an archive, decoding, resizing, hashing and storing,
against a bare loop of Pillow's decode and resize on one core, times the number of cores
(promised: at least 0.7). ``prepare`` is the same for the whole command, with the search for
labels, the comparison of every pair of pictures, and the report.
``batch``: seconds to gather 256 random chips from the store, against decoding the same JPEGs
(promised: at least 20 times faster).
``augment``: the share of augmentation in training steps of the shipped model, from the gathered
chips to the new weights (promised: at most 6 %), on one thread and on two. On a machine with
other work two threads wait for each other more than they compute; there, set OMP_WAIT_POLICY to
passive.
``loop``: steps of the whole training loop against bare ones (promised: at least 0.97 of their speed
without augmentation, 0.92 with it); ``bench_loop.py`` says what is counted.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from tools.bench.loop import bench_loop
from tools.bench.timing import clocked
from utkage.core.reporter import Progress, SilentReporter
from utkage.data.augment import AugmentConfig, augment
from utkage.data.labels import AGE_COUNT
from utkage.data.sample_random import SampleRandom
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.models.locate import shipped_weights
from utkage.models.systems import build_multitask
from utkage.models.weights_files import load_weights
from utkage.preparation.prepare import PrepareConfig, prepare
from utkage.training.ema import WeightAverage

SIZE = 160
ROUNDS = 5
PREPARE_ROUNDS = 3
# Of the bare loops.
PICTURES = 3000
BATCH = 256
# Of training: chips a step, pixels of the stored ones, threads, steps.
TRAIN_BATCH = 64
STORED_SIZE = 200
TRAIN_THREADS = (1, 2)
TRAIN_STEPS = 15
LOOP_STEPS = 20


def main() -> int:
    """Print one line a benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "source", type=Path, nargs="?", help="an archive or folder of aligned chips"
    )
    arguments = parser.parse_args()
    for threads in TRAIN_THREADS:
        _bench_augment(threads)
    bench_loop(max(TRAIN_THREADS), LOOP_STEPS)
    if arguments.source is None:
        return 0
    entries = islice(open_source(arguments.source).entries(), PICTURES)
    pictures = [entry.content for entry in entries if entry.problem is None]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _bench_prepare(pictures, arguments.source, folder)
        store = ChipStore.open(folder / "set-0")
        _bench_batch(pictures, store)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process {peak:.0f} MB")
    return 0


def _bench_prepare(pictures: list[bytes], source: Path, folder: Path) -> None:
    cores = os.cpu_count() or 1
    seconds: dict[str, list[float]] = {"decode": [], "prepare": []}
    bare: list[float] = []
    rows = 0
    for round_number in range(PREPARE_ROUNDS):
        # A fresh folder: a set that is there would be known already.
        out = folder / f"set-{round_number}"
        config = PrepareConfig(sources=(source,), out=out, chip_size=SIZE)
        clock = _ReadingClock()
        before = clocked(lambda: _bare_loop(pictures))
        seconds["prepare"].append(clocked(partial(prepare, config, clock)))
        seconds["decode"].append(clock.seconds)
        after = clocked(lambda: _bare_loop(pictures))
        bare.append((before + after) / 2 / len(pictures))
        rows = len(ChipStore.open(out).manifest)
    for name, taken in seconds.items():
        ratios = [rows / t * b / cores for t, b in zip(taken, bare, strict=True)]
        print(
            f"{name}: {rows / statistics.median(taken):.0f} pictures/s, "
            f"{statistics.median(ratios):.2f} x cores x bare Pillow "
            f"({min(ratios):.2f}..{max(ratios):.2f}, {cores} cores, {rows} pictures, "
            f"{PREPARE_ROUNDS} rounds)"
        )


class _ReadingClock(SilentReporter):
    """Times the part of ``prepare`` that reads, decodes and stores."""

    seconds = 0.0

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Progress]:
        """Start the clock where the first bar appears for a source."""
        started = time.perf_counter()
        with super().progress(label, total) as task:
            yield task
        if label.startswith("reading"):
            self.seconds += time.perf_counter() - started


def _bench_batch(pictures: list[bytes], store: ChipStore) -> None:
    faces = store.split("all")
    random = np.random.default_rng(0)
    chosen = random.choice(len(faces), BATCH, replace=False)
    faces_chosen = replace(
        faces, rows=faces.rows[chosen], names=tuple(faces.names[index] for index in chosen)
    )

    def gather() -> None:
        next(faces_chosen.batches(BATCH, SIZE))

    def decode() -> None:
        _bare_loop([pictures[index] for index in random.choice(len(pictures), BATCH)])

    slow, fast = _interleaved(decode, gather)
    ratios = [s / f for s, f in zip(slow, fast, strict=True)]
    print(
        f"batch: {1000 * statistics.median(fast):.1f} ms for {BATCH} random chips, "
        f"{statistics.median(ratios):.0f} x faster than decoding "
        f"({min(ratios):.0f}..{max(ratios):.0f})"
    )


def _bench_augment(threads: int) -> None:
    """Time the parts of training steps on ``threads``; the chips are noise."""
    former = torch.get_num_threads()
    torch.set_num_threads(threads)
    network = build_multitask(load_weights(shipped_weights()), "shipped weights")
    network.train().to(memory_format=torch.channels_last)
    average = WeightAverage(network, 0.998)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    chips = torch.randint(0, 256, (TRAIN_BATCH, STORED_SIZE, STORED_SIZE, 3), dtype=torch.uint8)
    samples = torch.arange(TRAIN_BATCH)
    ages, genders = samples % AGE_COUNT, samples % 2

    def learn(images: torch.Tensor, step: int) -> None:
        # Which losses makes no difference to the time.
        age_logits, gender_logits = network(images)
        loss = F.cross_entropy(age_logits, ages)
        loss = loss + F.binary_cross_entropy_with_logits(gender_logits, genders.float())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average.update(network, step)

    varying, learning = list[float](), list[float]()
    for step in range(TRAIN_STEPS + 1):
        started = time.perf_counter()
        images = augment(chips, SIZE, AugmentConfig(), SampleRandom(0, step, samples))
        varying.append(time.perf_counter() - started)
        learning.append(clocked(partial(learn, images, step)))
    torch.set_num_threads(former)
    # The first step warms caches.
    pairs = list(zip(varying, learning, strict=True))[1:]
    shares = [100 * own / (own + rest) for own, rest in pairs]
    print(
        f"augment: {statistics.median(shares):.1f} % of a training step "
        f"({min(shares):.1f}..{max(shares):.1f}; {1000 * statistics.median(varying[1:]):.0f} ms of "
        f"{1000 * statistics.median(own + rest for own, rest in pairs):.0f} ms; {TRAIN_BATCH} "
        f"chips of {STORED_SIZE} pixels at {SIZE}, threads {threads}, {TRAIN_STEPS} steps)"
    )


def _bare_loop(pictures: list[bytes]) -> None:
    for content in pictures:
        with Image.open(io.BytesIO(content)) as picture:
            np.asarray(picture.convert("RGB").resize((SIZE, SIZE)))


def _interleaved(
    first: Callable[[], None], second: Callable[[], None]
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for index, run in enumerate((first, second)):
            times[index].append(clocked(run))
    # The first round warms caches.
    return times[0][1:], times[1][1:]


if __name__ == "__main__":
    sys.exit(main())
